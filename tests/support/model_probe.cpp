// Runs the model for the interop tests.
//
//   model_probe logits    MODEL DTYPE ADAPTER|- INPUT.json OUT.safetensors
//   model_probe gradients MODEL DTYPE ADAPTER   INPUT.json OUT.safetensors
//
// INPUT.json: {"segments": [{"ids": [...], "labels": [...]}, ...]}, labels not shifted, -100 = not trained.
// Writes "logits" [N, V], or the gradient of the mean loss for all that is trained and prints the loss.

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "lore/adapters/peft_files.h"
#include "lore/core/error.h"
#include "lore/data/batch.h"
#include "lore/formats/safetensors.h"
#include "lore/nn/llama.h"
#include "lore/nn/model_parameters.h"
#include "lore/tasks/base_model.h"
#include "lore/train/gradient_sum.h"

namespace {

lore::Batch read_batch(const std::string& path) {
  std::vector<lore::Example> examples;
  std::vector<std::int64_t> indices;
  std::ifstream file(path);
  const nlohmann::json input = nlohmann::json::parse(file);
  for (const nlohmann::json& segment : input.at("segments")) {
    lore::Example example;
    example.ids = segment.at("ids").get<std::vector<std::int32_t>>();
    for (const int label : segment.at("labels").get<std::vector<int>>()) {
      example.trained.push_back(label == -100 ? 0 : 1);
    }
    indices.push_back(static_cast<std::int64_t>(examples.size()));
    examples.push_back(std::move(example));
  }
  return lore::make_batch(examples, indices);
}

lore::TensorView view(const std::string& name, const at::Tensor& tensor) {
  return {name, lore::DType::kF32, tensor.sizes().vec(),
          std::as_bytes(std::span(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())))};
}

void run(const std::string& mode, const std::string& model_path, const std::string& dtype,
         const std::string& adapter_path, const std::string& input, const std::string& output) {
  const auto source = lore::open_weights(model_path);
  const lore::LlamaForCausalLm model(*source, lore::resolve_dtype(dtype), at::kCPU);
  std::vector<std::string> warnings;
  lore::AdapterSet adapters;
  if (adapter_path != "-") {
    adapters = lore::load_peft_adapter(adapter_path, model, warnings).weights;
  }
  const lore::Batch batch = read_batch(input);
  const lore::ForwardPass pass = model.pass(batch.segments, adapters);
  if (mode == "logits") {
    const at::Tensor logits =
        model.logits(model.forward(batch.ids, pass), adapters).to(at::kFloat).contiguous();
    lore::write_safetensors(output, {view("logits", logits)}, {{"format", "pt"}});
    return;
  }
  lore::Activations activations;
  const at::Tensor hidden = model.forward(batch.ids, pass, &activations);
  lore::GradientSum gradients(adapters);
  lore::LinearCrossEntropyResult loss =
      model.loss(hidden, batch.labels, 1.0 / static_cast<double>(batch.trained_tokens), pass, &gradients);
  model.backward(loss.dhidden, activations, pass, gradients);
  std::vector<lore::TensorView> views;
  std::vector<at::Tensor> kept;
  std::size_t place = 0;
  const auto add = [&](const std::string& name, const at::Tensor& gradient) {
    kept.push_back(gradient.contiguous());
    views.push_back(view("base_model.model." + name, kept.back()));
  };
  const std::vector<std::string> modules = lore::adaptable_names(model.config());
  for (const std::size_t module : adapters.linears()) {
    const at::Tensor& a = gradients.gradients()[place++];
    const at::Tensor& b = gradients.gradients()[place++];
    if (modules[module] == lore::kEmbeddingModule) {
      add(modules[module] + ".lora_embedding_A", b.t());
      add(modules[module] + ".lora_embedding_B", a.t());
    } else {
      add(modules[module] + ".lora_A.weight", a);
      add(modules[module] + ".lora_B.weight", b);
    }
    if (adapters.find(module)->is_dora()) {
      add(modules[module] + ".lora_magnitude_vector", gradients.gradients()[place++]);
    }
  }
  for (const lore::FullParameter& parameter : adapters.full().list()) {
    add(parameter.name, gradients.gradients()[place++]);
  }
  lore::write_safetensors(output, views, {{"format", "pt"}});
  fmt::print("{:.9g}\n", loss.loss_sum / static_cast<double>(loss.count));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    fmt::print(stderr,
               "usage: model_probe logits|gradients MODEL DTYPE ADAPTER|- INPUT.json OUT.safetensors\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], argv[3], argv[4], argv[5], argv[6]);
  } catch (const lore::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.kind());
  }
}
