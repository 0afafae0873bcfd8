#include "lore/nn/head_loss.h"

namespace lore {
namespace {

class HeadLayer final : public LogitLayer {
 public:
  HeadLayer(const Linear& head, const ForwardPass& pass, GradientSink* sink)
      : head_(head), pass_(pass), sink_(sink) {}

  std::int64_t vocabulary() const override { return head_.weight.out_features(); }

  at::Tensor forward(const at::Tensor& x) override {
    x_ = x;
    if (pass_.dropout) {
      // Rows come a few at a time, and each time gets a mask of its own.
      dropout_ = DropoutKey{pass_.dropout->key + rows_};
    }
    rows_ += static_cast<std::uint64_t>(x.size(0));
    return head_.forward(x, pass_.adapters, dropout_, &saved_);
  }

  at::Tensor backward(const at::Tensor& dlogits) override {
    at::Tensor dx;
    head_.backward(dlogits, x_, saved_, pass_.adapters, dropout_, *sink_, &dx);
    return dx;
  }

 private:
  const Linear& head_;
  const ForwardPass& pass_;
  GradientSink* sink_;
  std::uint64_t rows_ = 0;
  std::optional<DropoutKey> dropout_;
  at::Tensor x_;
  Linear::Saved saved_;
};

}  // namespace

LinearCrossEntropyResult head_loss(const Linear& head, const at::Tensor& hidden,
                                   const std::vector<std::int32_t>& labels, double grad_scale,
                                   const ForwardPass& pass, GradientSink* sink) {
  HeadLayer layer(head, pass, sink);
  return linear_cross_entropy(hidden, layer, labels, grad_scale, sink != nullptr);
}

std::vector<LabelScore> head_label_scores(const Linear& head, const at::Tensor& hidden,
                                          const std::vector<std::int32_t>& labels, const ForwardPass& pass) {
  HeadLayer layer(head, pass, /*sink=*/nullptr);
  return label_scores(hidden, layer, labels);
}

}  // namespace lore
