// SPDX-License-Identifier: MIT
#include "veer/metrics/chat_endpoint.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"

namespace veer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargestReply = 1 << 20;

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(count));
}

struct Response {
  long status = 0;  // 0 = no answer at all
  std::string body;
  std::string error;
  double retry_after = 0.0;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* out) {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size > kLargestReply) {
    return 0;  // ends the transfer
  }
  body.append(data, size);
  return size;
}

int should_end(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

// One connection, kept open from request to request.
class Connection {
 public:
  explicit Connection(const EndpointOptions& options)
      : curl_(curl_easy_init(), &curl_easy_cleanup),
        headers_(curl_slist_append(nullptr, "Content-Type: application/json"),
                 &curl_slist_free_all),
        url_(options.url + "/chat/completions") {
    if (!curl_ || !headers_) {
      fail_run("judge endpoint", "libcurl could not start");
    }
    if (const char* key = options.key_env.empty()
                              ? nullptr
                              : std::getenv(options.key_env.c_str())) {
      curl_slist_append(headers_.get(),
                        fmt::format("Authorization: Bearer {}", key).c_str());
    }
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, should_end);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     static_cast<long>(options.timeout_seconds * 1000.0));
  }

  Response post(const std::string& body, std::stop_token stop) {
    Response response;
    char message[CURL_ERROR_SIZE] = "";
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop);
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
      response.error = *message != '\0' ? message : curl_easy_strerror(code);
      return response;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
    curl_off_t wait = 0;
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK) {
      response.retry_after = static_cast<double>(wait);
    }
    return response;
  }

 private:
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
  std::string url_;
};

bool worth_retrying(const Response& response) {
  return response.status == 0 || response.status == 408 ||
         response.status == 429 || response.status >= 500;
}

std::string what_came(const Response& response) {
  return response.status == 0 ? response.error
                              : fmt::format("status {}: {}", response.status,
                                            response.body.substr(0, 200));
}

// choices[0].message.content; nothing when the reply has no such thing, as a
// gateway's page of HTML under status 200.
std::optional<std::string> content_of(const std::string& body) {
  const Json reply = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const Json::json_pointer path("/choices/0/message/content");
  if (reply.is_discarded() || !reply.is_object() || !reply.contains(path) ||
      !reply.at(path).is_string()) {
    return std::nullopt;
  }
  return reply.at(path).get<std::string>();
}

// The requests of one list. Workers send them; the caller's thread takes what
// has arrived, so that neither `arrived` nor the monitor sees another one.
class Requests {
 public:
  Requests(const ChatEndpoint& endpoint, const EndpointOptions& options,
           std::span<const std::string> prompts, Clock::time_point& hold_until)
      : endpoint_(endpoint),
        options_(options),
        prompts_(prompts),
        hold_until_(hold_until) {}
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;
  // Ends what is under way and joins the workers.
  ~Requests() { stop_.request_stop(); }

  void run(const ChatEndpoint::Arrived& arrived, const Monitor& monitor) {
    const auto total = std::ssize(prompts_);
    working_ = std::min<std::int64_t>(options_.parallel, total);
    for (auto i = working_; i > 0; --i) {
      workers_.emplace_back([this] { work(); });
    }
    std::int64_t done = 0;
    for (bool is_over = false; !is_over;) {
      std::deque<Reply> replies;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, monitor.stop,
                      [this] { return !replies_.empty() || working_ == 0; });
        replies.swap(replies_);
        is_over = working_ == 0;
      }
      for (const auto& [place, text] : replies) {
        arrived(place, text);
        monitor.progress({"judge", ++done, total, "requests", ""});
      }
      monitor.check_stop("judge");
    }
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  struct Reply {
    std::size_t place;
    std::string text;
  };

  void work() {
    std::exception_ptr error;
    try {
      Connection connection(options_);
      while (const auto place = next()) {
        if (auto text =
                reply_to(connection, endpoint_.body_of(prompts_[*place]))) {
          const std::lock_guard lock(mutex_);
          replies_.push_back({*place, *std::move(text)});
          changed_.notify_all();
        }
      }
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    error_ = error_ ? error_ : error;
    --working_;
    changed_.notify_all();
  }

  // Nothing when none is left, or none is to follow one that failed.
  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (taken_ == prompts_.size() || is_given_up()) {
      return std::nullopt;
    }
    return taken_++;
  }

  // Nothing when it was given up for another one's failure, or for a stop.
  std::optional<std::string> reply_to(Connection& connection,
                                      const std::string& body) {
    double pause = options_.first_wait_seconds;
    for (std::int64_t attempt = 0; wait_for_turn(); ++attempt) {
      const auto response = connection.post(body, stop_.get_token());
      const bool answered = response.status == 200;
      if (auto content = answered ? content_of(response.body) : std::nullopt) {
        return content;
      }
      if (stop_.stop_requested()) {
        break;
      }
      if (!(answered || worth_retrying(response)) ||
          attempt >= options_.retries) {
        fail_run("judge endpoint",
                 fmt::format("{} after {} attempts", what_came(response),
                             attempt + 1),
                 "a reply",
                 "the endpoint is down, slow or refuses the key; the same "
                 "command goes on from here");
      }
      std::unique_lock lock(mutex_);
      hold_until_ =
          std::max(hold_until_, Clock::now() + seconds(response.retry_after));
      wait_until(Clock::now() + seconds(pause), lock);
      pause *= 2.0;
    }
    return std::nullopt;
  }

  // When the rate, and what the endpoint asked for, allow a request. False
  // when none is to be sent any more.
  bool wait_for_turn() {
    std::unique_lock lock(mutex_);
    while (!is_given_up() && Clock::now() < hold_until_) {
      wait_until(hold_until_, lock);
    }
    if (options_.requests_per_minute > 0.0) {
      hold_until_ = Clock::now() + seconds(60.0 / options_.requests_per_minute);
    }
    return !is_given_up();
  }

  void wait_until(Clock::time_point end, std::unique_lock<std::mutex>& lock) {
    changed_.wait_until(lock, stop_.get_token(), end,
                        [this] { return error_ != nullptr; });
  }

  bool is_given_up() const {
    return error_ != nullptr || stop_.stop_requested();
  }

  const ChatEndpoint& endpoint_;
  const EndpointOptions& options_;
  std::span<const std::string> prompts_;
  std::stop_source stop_;
  std::mutex mutex_;               // of all below but the workers
  Clock::time_point& hold_until_;  // nothing is sent before
  std::condition_variable_any changed_;
  std::deque<Reply> replies_;
  std::size_t taken_ = 0;
  std::int64_t working_ = 0;
  std::exception_ptr error_;
  std::vector<std::jthread> workers_;
};

}  // namespace

void check_endpoint(const EndpointOptions& options) {
  const bool known =
      options.url.starts_with("http://") || options.url.starts_with("https://");
  if (!known || options.model.empty()) {
    fail("judge endpoint",
         fmt::format("url \"{}\", model \"{}\"", options.url, options.model),
         "http(s)://HOST/v1 and the name of a model there");
  }
  if (!options.key_env.empty() &&
      std::getenv(options.key_env.c_str()) == nullptr) {
    fail("judge endpoint",
         fmt::format("no environment variable {}", options.key_env),
         "the key of the endpoint in it");
  }
}

ChatEndpoint::ChatEndpoint(EndpointOptions options)
    : options_(std::move(options)) {
  check_endpoint(options_);
  // Before there are threads: what curl_easy_init would do in one of them.
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

std::string ChatEndpoint::body_of(const std::string& prompt) const {
  return dump_json({{"model", options_.model},
                    {"messages", {{{"role", "user"}, {"content", prompt}}}},
                    {"temperature", 0},
                    {"max_tokens", 8}});
}

void ChatEndpoint::ask(std::span<const std::string> prompts,
                       const Arrived& arrived, const Monitor& monitor) {
  monitor.check_stop("judge");
  Requests(*this, options_, prompts, hold_until_).run(arrived, monitor);
}

}  // namespace veer
