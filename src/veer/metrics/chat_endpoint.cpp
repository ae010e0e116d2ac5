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

#include "veer/base/error.h"

namespace veer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargestReply = 1 << 20;
// So many replies of thoughts alone, and no other, say that all will be so.
constexpr std::int64_t kMostCut = 8;

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
        url_(completions_url(options.url)) {
    if (!curl_ || !headers_) {
      fail_run("judge endpoint", "libcurl could not start");
    }
    if (const char* key = options.key_env.empty()
                              ? nullptr
                              : std::getenv(options.key_env.c_str())) {
      curl_slist_append(headers_.get(),
                        fmt::format("Authorization: Bearer {}", key).c_str());
    }
    for (const auto& header : endpoint_headers(options)) {
      curl_slist_append(headers_.get(), header.c_str());
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
                                            error_message(response.body));
}

// The requests of one list. Workers send them; the caller's thread takes what
// has arrived, so that neither `arrived` nor the monitor sees another one.
class Requests {
 public:
  Requests(const EndpointOptions& options, EndpointRequest& request,
           std::span<const std::string> prompts, Clock::time_point& hold_until)
      : options_(options),
        prompts_(prompts),
        request_(request),
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
      std::deque<std::string> messages;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, monitor.stop, [this] {
          return !replies_.empty() || !messages_.empty() || working_ == 0;
        });
        replies.swap(replies_);
        messages.swap(messages_);
        is_over = working_ == 0;
      }
      for (const auto& message : messages) {
        monitor.message(message);
      }
      for (const auto& [place, reply] : replies) {
        arrived(place, reply);
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
    EndpointReply reply;
  };

  void work() {
    std::exception_ptr error;
    try {
      Connection connection(options_);
      while (const auto place = next()) {
        if (auto reply = reply_to(connection, prompts_[*place])) {
          hand_over(*place, *std::move(reply));
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

  void hand_over(std::size_t place, EndpointReply reply) {
    const std::lock_guard lock(mutex_);
    cut_ += reply.is_cut ? 1 : 0;
    whole_ += reply.is_cut ? 0 : 1;
    replies_.push_back({place, std::move(reply)});
    changed_.notify_all();
    if (whole_ == 0 && cut_ >= kMostCut) {
      fail_run("judge endpoint",
               fmt::format("the first {} replies ended in their thoughts, at "
                           "{} tokens",
                           cut_, request_.token_limit()),
               "a letter behind them",
               "the model thinks longer; raise judge.endpoint.token_limit, or "
               "have it think less by judge.endpoint.extra_body");
    }
  }

  // Nothing when it was given up for another one's failure, or for a stop.
  std::optional<EndpointReply> reply_to(Connection& connection,
                                        const std::string& prompt) {
    double pause = options_.first_wait_seconds;
    std::int64_t attempt = 0;
    while (wait_for_turn()) {
      const auto body = body_of(prompt);
      const auto response = connection.post(body, stop_.get_token());
      const bool answered = response.status == 200;
      if (auto reply = answered ? read_reply(response.body) : std::nullopt) {
        if (!reply->is_cut || !changes(&EndpointRequest::make_room, body)) {
          return reply;
        }
        continue;
      }
      if (stop_.stop_requested()) {
        break;
      }
      if ((response.status == 400 || response.status == 422) &&
          changes(&EndpointRequest::do_without, body, response.body)) {
        continue;
      }
      if (!(answered || worth_retrying(response)) ||
          attempt >= options_.retries) {
        fail_run("judge endpoint",
                 fmt::format("{} after {} attempt{}", what_came(response),
                             attempt + 1, attempt == 0 ? "" : "s"),
                 "a reply",
                 error_cause(response.status) +
                     "; the same command goes on from here");
      }
      ++attempt;
      std::unique_lock lock(mutex_);
      hold_until_ =
          std::max(hold_until_, Clock::now() + seconds(response.retry_after));
      wait_until(Clock::now() + seconds(pause), lock);
      pause *= 2.0;
    }
    return std::nullopt;
  }

  std::string body_of(const std::string& prompt) {
    const std::lock_guard lock(mutex_);
    return request_.body(prompt);
  }

  // Whether the request can be made in another way, which is told.
  template <class Change, class... Arguments>
  bool changes(Change change, const Arguments&... arguments) {
    const std::lock_guard lock(mutex_);
    const auto message = (request_.*change)(arguments...);
    if (message && !message->empty()) {
      messages_.push_back(*message);
      changed_.notify_all();
    }
    return message.has_value();
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

  const EndpointOptions& options_;
  std::span<const std::string> prompts_;
  std::stop_source stop_;
  std::mutex mutex_;  // of all below but the workers
  EndpointRequest& request_;
  Clock::time_point& hold_until_;  // nothing is sent before
  std::condition_variable_any changed_;
  std::deque<Reply> replies_;
  std::deque<std::string> messages_;
  std::int64_t cut_ = 0;    // replies that ended in their thoughts
  std::int64_t whole_ = 0;  // and others
  std::size_t taken_ = 0;
  std::int64_t working_ = 0;
  std::exception_ptr error_;
  std::vector<std::jthread> workers_;
};

}  // namespace

ChatEndpoint::ChatEndpoint(EndpointOptions options)
    : options_(std::move(options)), request_(options_) {
  // Before there are threads: what curl_easy_init would do in one of them.
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

void ChatEndpoint::ask(std::span<const std::string> prompts,
                       const Arrived& arrived, const Monitor& monitor) {
  monitor.check_stop("judge");
  Requests(options_, request_, prompts, hold_until_).run(arrived, monitor);
}

}  // namespace veer
