// SPDX-License-Identifier: MIT
#include "veer/model/attention_fused.h"

#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/model/kernels.h"

namespace veer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Tokens of one unit of work in the forward pass.
constexpr std::int64_t kUnitTokens = 128;
// Products below which a second thread costs more than it brings.
constexpr double kMinCost = 200000.0;

struct Unit {
  AttentionItem item;
  AttentionGradients gradients;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

struct Call {
  const PackedBatch& batch;
  AttentionSettings settings;
  at::Tensor q;
  at::Tensor k;  // packed, or the cache of the layer
  at::Tensor v;
  at::Tensor own_k;  // packed, beside a cache that does not take them
  at::Tensor own_v;
  bool cached = false;
  at::Tensor out;
  at::Tensor lse;  // may be undefined
};

const float* data(const at::Tensor& x) {
  return x.const_data_ptr<float>();
}

// Row b against key head h, all its tokens.
AttentionItem item_of(const Call& call, std::int64_t b, std::int64_t h) {
  const std::int64_t heads = call.q.size(1);
  const std::int64_t width = call.q.size(2);
  const std::int64_t kv_heads = call.k.size(1);
  const std::int64_t token = call.batch.offsets[b];
  AttentionItem item;
  item.group = heads / kv_heads;
  item.width = width;
  item.num_tokens = call.batch.length(b);
  item.start = call.cached ? call.batch.starts[b] : 0;
  item.window = call.settings.window;
  item.scale = static_cast<float>(call.settings.scale);
  item.q_stride = heads * width;
  const std::int64_t q_at = (token * heads + h * item.group) * width;
  item.q = data(call.q) + q_at;
  item.out = call.out.data_ptr<float>() + q_at;
  std::int64_t kv_at = (token * kv_heads + h) * width;
  item.kv_stride = kv_heads * width;
  if (call.cached) {
    item.kv_stride = width;
    item.room = call.k.size(2);
    kv_at = (call.batch.slots[b] * kv_heads + h) * call.k.size(2) * width;
  }
  item.k = data(call.k) + kv_at;
  item.v = data(call.v) + kv_at;
  if (call.own_k.defined()) {
    const std::int64_t own_at = (token * kv_heads + h) * width;
    item.own_k = data(call.own_k) + own_at;
    item.own_v = data(call.own_v) + own_at;
    item.own_stride = kv_heads * width;
  }
  if (call.lse.defined()) {
    item.lse = call.lse.data_ptr<float>() + token * heads + h * item.group;
    item.lse_stride = heads;
  }
  return item;
}

double cost(const Unit& unit) {
  const AttentionItem& item = unit.item;
  const auto seen = static_cast<double>(item.start + unit.first) +
                    static_cast<double>(unit.count) / 2.0;
  return static_cast<double>(unit.count * item.group * item.width) * seen;
}

// Runs the units on all threads, shared out by cost. Each unit writes its own
// part of the results, so the sharing does not change them.
template <class Body>
void run(const std::vector<Unit>& units, std::int64_t scratch_size,
         const Body& body) {
  double total = 0.0;
  for (const Unit& unit : units) {
    total += cost(unit);
  }
  const std::int64_t parts = total < kMinCost ? 1 : at::get_num_threads();
  std::vector<std::size_t> ends;
  double done = 0.0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    done += cost(units[i]);
    while (static_cast<std::int64_t>(ends.size()) < parts - 1 &&
           done >= total * static_cast<double>(ends.size() + 1) /
                       static_cast<double>(parts)) {
      ends.push_back(i + 1);
    }
  }
  ends.resize(parts, units.size());
  at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(scratch_size);
    for (std::int64_t part = begin; part < end; ++part) {
      for (std::size_t i = part == 0 ? 0 : ends[part - 1]; i < ends[part];
           ++i) {
        body(units[i], scratch.data());
      }
    }
  });
}

std::int64_t longest(const Call& call) {
  std::int64_t positions = 0;
  for (std::int64_t b = 0; b < call.batch.num_rows(); ++b) {
    const std::int64_t start = call.cached ? call.batch.starts[b] : 0;
    positions = std::max(positions, start + call.batch.length(b));
  }
  return positions;
}

void run_forward(const Call& call) {
  std::vector<Unit> units;
  for (std::int64_t b = 0; b < call.batch.num_rows(); ++b) {
    for (std::int64_t h = 0; h < call.k.size(1); ++h) {
      const AttentionItem item = item_of(call, b, h);
      for (std::int64_t first = 0; first < item.num_tokens;
           first += kUnitTokens) {
        units.push_back(
            {item, {}, first, std::min(kUnitTokens, item.num_tokens - first)});
      }
    }
  }
  run(units, attention_scratch(longest(call), call.q.size(2)),
      [](const Unit& unit, float* scratch) {
        kernels().attention(unit.item, unit.first, unit.count, scratch);
      });
}

struct Gradients {
  at::Tensor out;
  at::Tensor q;
  at::Tensor k;
  at::Tensor v;
};

void run_backward(const Call& call, const Gradients& gradients) {
  std::vector<Unit> units;
  for (std::int64_t b = 0; b < call.batch.num_rows(); ++b) {
    for (std::int64_t h = 0; h < call.k.size(1); ++h) {
      Unit unit{.item = item_of(call, b, h)};
      unit.count = unit.item.num_tokens;
      const std::int64_t q_at = unit.item.q - data(call.q);
      const std::int64_t kv_at = unit.item.k - data(call.k);
      unit.gradients = {data(gradients.out) + q_at,
                        gradients.q.data_ptr<float>() + q_at,
                        gradients.k.data_ptr<float>() + kv_at,
                        gradients.v.data_ptr<float>() + kv_at};
      units.push_back(unit);
    }
  }
  run(units, attention_backward_scratch(longest(call), call.q.size(2)),
      [](const Unit& unit, float* scratch) {
        kernels().attention_backward(unit.item, unit.gradients, scratch);
      });
}

// Carries the batch's rows to the backward pass.
struct Layout : torch::CustomClassHolder {
  PackedBatch batch;
  AttentionSettings settings;
};

class Fused : public torch::autograd::Function<Fused> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q_TQH,
                            const at::Tensor& k_TKH, const at::Tensor& v_TKH,
                            const PackedBatch& batch,
                            const AttentionSettings& settings) {
    auto layout = c10::make_intrusive<Layout>();
    layout->batch.offsets = batch.offsets;
    layout->batch.starts = batch.starts;
    layout->settings = settings;
    Call call{.batch = batch, .settings = settings};
    call.q = q_TQH.contiguous();
    call.k = k_TKH.contiguous();
    call.v = v_TKH.contiguous();
    call.out = at::empty(q_TQH.sizes(), q_TQH.options());
    call.lse = at::empty({q_TQH.size(0), q_TQH.size(1)}, q_TQH.options());
    run_forward(call);
    context->save_for_backward({call.q, call.k, call.v, call.out, call.lse});
    context->saved_data["layout"] = c10::IValue::make_capsule(layout);
    return call.out;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto capsule = context->saved_data["layout"].toCapsule();
    const auto& layout = static_cast<const Layout&>(*capsule);
    Call call{.batch = layout.batch, .settings = layout.settings};
    call.q = saved[0];
    call.k = saved[1];
    call.v = saved[2];
    call.out = saved[3];
    call.lse = saved[4];
    Gradients g;
    g.out = gradients[0].contiguous();
    g.q = at::empty(call.q.sizes(), call.q.options());
    g.k = at::empty(call.k.sizes(), call.k.options());
    g.v = at::empty(call.v.sizes(), call.v.options());
    run_backward(call, g);
    return {g.q, g.k, g.v, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

void store_rows(const at::Tensor& cache, const at::Tensor& x_in,
                const PackedBatch& batch) {
  const auto x_TKH = x_in.contiguous();
  const std::int64_t heads = x_TKH.size(1);
  const std::int64_t width = x_TKH.size(2);
  const std::int64_t slot_tokens = cache.size(2);
  const float* from = data(x_TKH);
  auto* to = cache.data_ptr<float>();
  for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
    for (std::int64_t h = 0; h < heads; ++h) {
      float* slot =
          to + ((batch.slots[b] * heads + h) * slot_tokens + batch.starts[b]) *
                   width;
      for (std::int64_t i = 0; i < batch.length(b); ++i) {
        const float* token =
            from + ((batch.offsets[b] + i) * heads + h) * width;
        std::copy(token, token + width, slot + i * width);
      }
    }
  }
}

bool can_fuse_attention(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                        const at::Tensor& v_TKH,
                        const AttentionSettings& settings,
                        const at::Tensor* cache_keys,
                        const at::Tensor* cache_values) {
  const auto fits = [](const at::Tensor* x) {
    return x == nullptr || (x->is_cpu() && x->scalar_type() == at::kFloat);
  };
  return settings.softcap == 0.0 && fits(&q_TQH) && fits(&k_TKH) &&
         fits(&v_TKH) && fits(cache_keys) && fits(cache_values);
}

at::Tensor attention_fused(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                           const at::Tensor& v_TKH, const PackedBatch& batch,
                           const AttentionSettings& settings,
                           const at::Tensor* cache_keys,
                           const at::Tensor* cache_values) {
  const bool records =
      c10::GradMode::is_enabled() &&
      (q_TQH.requires_grad() || k_TKH.requires_grad() || v_TKH.requires_grad());
  if (records && cache_keys == nullptr) {
    return Fused::apply(q_TQH, k_TKH, v_TKH, batch, settings);
  }
  Call call{.batch = batch, .settings = settings};
  call.cached = cache_keys != nullptr;
  if (call.cached && batch.stores) {
    store_rows(*cache_keys, k_TKH, batch);
    store_rows(*cache_values, v_TKH, batch);
  } else if (call.cached) {
    call.own_k = k_TKH.contiguous();
    call.own_v = v_TKH.contiguous();
  }
  call.q = q_TQH.contiguous();
  call.k = call.cached ? *cache_keys : k_TKH.contiguous();
  call.v = call.cached ? *cache_values : v_TKH.contiguous();
  call.out = at::empty(q_TQH.sizes(), q_TQH.options());
  run_forward(call);
  return call.out;
}

}  // namespace veer
