#include "lore/tasks/inspect_run.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"
#include "lore/formats/json_file.h"
#include "lore/recipe/reader.h"
#include "lore/tasks/inspect_adapter.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// The curve of one kind of loss.
struct Curve {
  std::int64_t points = 0;
  std::int64_t last_step = 0;
  double first = 0;
  double last = 0;
  double best = 0;
  std::int64_t best_step = 0;

  void add(std::int64_t step, double loss) {
    first = points == 0 ? loss : first;
    if (points == 0 || loss < best) {
      best = loss;
      best_step = step;
    }
    last = loss;
    last_step = step;
    ++points;
  }

  nlohmann::ordered_json json() const {
    return {{"points", points}, {"first", first}, {"last", last}, {"best", best}, {"best_step", best_step}};
  }

  std::string text() const {
    return fmt::format("{:.4f} at first, {:.4f} at step {}, best {:.4f} at step {}", first, last, last_step,
                       best, best_step);
  }
};

class RunInspector {
 public:
  RunInspector(const fs::path& folder, const Environment& environment)
      : folder_(folder), environment_(environment) {
    result_.kind = "run";
    result_.path = folder.string();
  }

  Inspection inspect() {
    attempt([&] { read_recipe_file(); });
    attempt([&] { read_metrics(); });
    attempt([&] { read_end(); });
    for (const char* name : {"adapter", "best"}) {
      look_at_adapter(name);
    }
    return std::move(result_);
  }

 private:
  template <class Look>
  void attempt(const Look& look) {
    try {
      look();
    } catch (const Error& error) {
      result_.problem(error.what());
    } catch (const Json::exception& error) {
      result_.problem(fmt::format("is not as `lore train` writes it: {}", error.what()));
    }
  }

  void read_recipe_file() {
    const fs::path file = folder_ / "recipe.yaml";
    if (!fs::exists(file)) {
      result_.problem("recipe.yaml: is missing");
      return;
    }
    const Recipe recipe = read_recipe(file, {});
    result_.fact("recipe",
                 fmt::format("{}, r {}, learning rate {:g}, seed {}", recipe.adapter.method, recipe.adapter.r,
                             recipe.training.learning_rate, recipe.training.seed));
    result_.details["recipe"] = {{"model", fs::path(recipe.model.path).filename().string()},
                                 {"method", recipe.adapter.method},
                                 {"r", recipe.adapter.r},
                                 {"learning_rate", recipe.training.learning_rate},
                                 {"seed", recipe.training.seed}};
  }

  void read_metrics() {
    const fs::path file = folder_ / "metrics.jsonl";
    if (!fs::exists(file)) {
      result_.problem("metrics.jsonl: is missing");
      return;
    }
    const std::shared_ptr<const MappedFile> mapped = MappedFile::open(file);
    Curve train;
    Curve validation;
    std::string_view rest = mapped->text();
    for (std::int64_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view text = rest.substr(0, end);
      const bool whole = end < rest.size();
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (text.empty()) {
        continue;
      }
      const std::string place = fmt::format("metrics.jsonl:{}", number);
      const Json row = Json::parse(text, nullptr, /*allow_exceptions=*/false);
      if (!row.is_object() || !row.contains("kind") || !row.contains("step")) {
        result_.problem(place + (whole ? ": is no object with \"kind\" and \"step\""
                                       : ": was cut (a full disk, a kill?)"));
        continue;
      }
      if (row["kind"] == "skipped") {
        train.last_step = row.at("step").get<std::int64_t>();
        result_.warnings.push_back(fmt::format("{}: step {} was left out: {}", place, train.last_step,
                                               printable(row.value("why", ""))));
        continue;
      }
      const Json loss = row.value("loss", Json());
      if (!loss.is_number() || !std::isfinite(loss.get<double>())) {
        result_.problem(place + ": the loss is no finite number", "loss");
        continue;
      }
      (row["kind"] == "validation" ? validation : train)
          .add(row.at("step").get<std::int64_t>(), loss.get<double>());
    }
    steps_ = train.last_step;
    best_step_ = validation.best_step;
    result_.details["steps"] = steps_;
    for (const auto& [name, curve] : {std::pair("training", &train), std::pair("validation", &validation)}) {
      if (curve->points > 0) {
        result_.fact(name, "loss " + curve->text());
        result_.details[name] = curve->json();
      }
    }
  }

  void read_end() {
    const fs::path file = folder_ / "run.json";
    if (!fs::exists(file)) {
      result_.fact("ended", "not yet, or it was killed: there is no run.json");
      result_.details["exit"] = nullptr;
      result_.problem(
          "run.json: is missing; the run is still going on, or was killed before it could be saved");
      return;
    }
    const Json run = read_json_file(file);
    const Json& exit = run.at("exit");
    const std::string reason = exit.at("reason").get<std::string>();
    result_.details["exit"] = exit;
    result_.details["versions"] = run.value("versions", Json());
    result_.details["hashes"] = run.value("hashes", Json());
    const Json base = run.value("hashes", Json::object()).value("base", Json::object());
    result_.fact("base", fmt::format("{}, SHA-256 {}", printable(base.value("name", "not named")),
                                     base.value("sha256", "not known").substr(0, 16)));
    result_.fact("ended",
                 fmt::format("{} after {} steps, {:.0f} s", printable(reason), exit.value("steps", steps_),
                             run.value("timings", Json::object()).value("total_seconds", 0.0)));
    if (reason == "error") {
      result_.problem(
          fmt::format("the run ended with an error: {}", printable(exit.value("message", ""), 1000)));
    }
    const std::int64_t steps = exit.value("steps", steps_);
    if (steps != steps_) {
      result_.problem(fmt::format("run.json counts {} steps, metrics.jsonl {}", steps, steps_));
    }
  }

  void look_at_adapter(const std::string& name) {
    if (!fs::exists(folder_ / name)) {
      if (name == "adapter") {
        result_.problem("adapter: is missing");
      }
      return;
    }
    const Inspection part = inspect_adapter(folder_ / name, "", environment_);
    result_.fact(name, fmt::format("{}; `lore inspect {}` says more", part.sound() ? "sound" : "see below",
                                   (folder_ / name).string()));
    if (name == "best" && best_step_ == 0) {
      result_.warnings.emplace_back("best: the validation loss never fell below that of the start");
    } else {
      result_.add_findings(part, name);
    }
    result_.details[name] = {{"sound", part.sound()}, {"frobenius", part.details.value("frobenius", 0.0)}};
  }

  const fs::path& folder_;
  const Environment& environment_;
  Inspection result_;
  std::int64_t steps_ = 0;
  std::int64_t best_step_ = 0;  ///< of the validation loss
};

}  // namespace

Inspection inspect_run(const fs::path& folder, const Environment& environment) {
  return RunInspector(folder, environment).inspect();
}

}  // namespace lore
