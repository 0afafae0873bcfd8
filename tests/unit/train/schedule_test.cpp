#include "lore/train/schedule.h"

#include <map>
#include <vector>

#include "support/catch.h"

TEST_CASE("every schedule gives the rates of transformers") {
  // get_scheduler of transformers 4.57.6: 10 steps, 3 of warm-up, learning rate 1e-3; two cycles of restarts;
  // polynomial of power 2 down to 1e-5.
  const std::map<std::string, std::vector<double>> golden{
      {"linear",
       {0, 0.000333333333, 0.000666666667, 0.001, 0.000857142857, 0.000714285714, 0.000571428571,
        0.000428571429, 0.000285714286, 0.000142857143}},
      {"cosine",
       {0, 0.000333333333, 0.000666666667, 0.001, 0.000950484434, 0.000811744901, 0.000611260467,
        0.000388739533, 0.000188255099, 4.9515566e-05}},
      {"cosine_with_restarts",
       {0, 0.000333333333, 0.000666666667, 0.001, 0.000811744901, 0.000388739533, 4.9515566e-05,
        0.000950484434, 0.000611260467, 0.000188255099}},
      {"polynomial",
       {0, 0.000333333333, 0.000666666667, 0.001, 0.000737346939, 0.000515102041, 0.000333265306,
        0.000191836735, 9.08163265e-05, 3.02040816e-05}},
      {"constant_with_warmup",
       {0, 0.000333333333, 0.000666666667, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001}},
      {"constant", {0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001}},
  };
  for (const auto& [type, rates] : golden) {
    lore::TrainingSpec spec;
    spec.learning_rate = 1e-3;
    spec.lr_scheduler_type = type;
    spec.warmup_steps = 3;
    if (type == "cosine_with_restarts") {
      spec.lr_scheduler_kwargs.num_cycles = 2;
    }
    if (type == "polynomial") {
      spec.lr_scheduler_kwargs.power = 2;
      spec.lr_scheduler_kwargs.lr_end = 1e-5;
    }
    const lore::LrSchedule schedule(spec, 10);
    for (std::size_t step = 0; step < rates.size(); ++step) {
      INFO(type << " step " << step);
      CHECK(schedule.at(static_cast<std::int64_t>(step)) == Approx(rates[step]).margin(1e-12));
    }
  }
}

TEST_CASE("a warm-up ratio is rounded up to whole steps") {
  lore::TrainingSpec spec;
  spec.warmup_ratio = 0.03;
  CHECK(lore::LrSchedule(spec, 100).warmup_steps() == 3);
  CHECK(lore::LrSchedule(spec, 101).warmup_steps() == 4);
}
