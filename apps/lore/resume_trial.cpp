#include "resume_trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/formats/safetensors.h"
#include "lore/tasks/checkpoint_folder.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kWeights = "adapter/adapter_model.safetensors";
constexpr const char* kMessages = "messages.txt";

[[noreturn]] void fail(const std::string& what) {
  throw lore::Error(lore::ErrorKind::kInternal, "verify-resume", what);
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Optimizer steps that metrics.jsonl tells of.
std::int64_t steps_in(const fs::path& run) {
  const std::string text = text_of(run / "metrics.jsonl");
  std::int64_t steps = 0;
  for (const char* kind : {"{\"kind\":\"train\"", "{\"kind\":\"skipped\""}) {
    for (std::size_t at = text.find(kind); at != std::string::npos; at = text.find(kind, at + 1)) {
      ++steps;
    }
  }
  return steps;
}

/// Mean time of a step by metrics.jsonl, in seconds: what a run takes to start is none of it.
double step_seconds_of(const fs::path& run) {
  std::ifstream file(run / "metrics.jsonl");
  double seconds = 0;
  double steps = 0;
  for (std::string line; std::getline(file, line);) {
    const auto entry = nlohmann::json::parse(line);
    if (entry.at("kind") == "train") {
      seconds += entry.at("seconds").get<double>();
      ++steps;
    }
  }
  return steps > 0 ? seconds / steps : 0;
}

bool is_running(int process) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

}  // namespace

ResumeTrial::ResumeTrial(std::vector<std::string> arguments, fs::path folder, std::uint64_t seed,
                         std::function<bool()> stopped)
    : arguments_(std::move(arguments)),
      folder_(std::move(folder)),
      random_(seed),
      stopped_(std::move(stopped)) {}

ResumeVerdict ResumeTrial::run(std::int64_t kills,
                               const std::function<void(const ResumeVerdict&)>& on_progress) {
  const fs::path whole = folder_ / "whole";
  if (!session(whole, /*may_kill=*/false)) {
    return verdict_;
  }
  verdict_.steps = steps_in(whole);
  verdict_.adapter_sha256 = lore::sha256_of_file(whole / kWeights);
  step_seconds_ = step_seconds_of(whole);
  while (verdict_.kills < kills && !stopped_()) {
    const fs::path run = folder_ / "killed";
    fs::remove_all(run);
    bool ended = false;
    while (!ended && !stopped_()) {
      ended = session(run, verdict_.kills < kills);
      on_progress(verdict_);
    }
    if (!ended) {
      break;
    }
    ++verdict_.runs;
    const bool same =
        lore::sha256_of_file(run / kWeights) == verdict_.adapter_sha256 && steps_in(run) == verdict_.steps;
    verdict_.different += same ? 0 : 1;
    on_progress(verdict_);
  }
  return verdict_;
}

bool ResumeTrial::session(const fs::path& run, bool may_kill) {
  const int process = start(run);
  if (may_kill) {
    wait_for_moment(run, process);
    ::kill(process, SIGKILL);
  }
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (may_kill) {
    look_for_damage(run);
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && may_kill) {
    ++verdict_.kills;
    return false;
  }
  if (stopped_()) {
    return false;  // Ctrl-C reaches both
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fail(fmt::format("lore train ended with {}:\n{}",
                     WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                     text_of(folder_ / kMessages)));
  }
  return true;
}

int ResumeTrial::start(const fs::path& run) const {
  std::vector<std::string> words{"lore", "train"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  words.insert(words.end(), {"--output", run.string(), "--resume"});
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const std::string messages = (folder_ / kMessages).string();
  posix_spawn_file_actions_t files{};
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t process = 0;
  const int error = ::posix_spawn(&process, "/proc/self/exe", &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    fail(std::string("cannot start lore train: ") + std::strerror(error));
  }
  return process;
}

/// Until a random step is done, and a random part of a step more: so that kills fall into steps, into the
/// writing of checkpoints, and into the end of the run.
void ResumeTrial::wait_for_moment(const fs::path& run, int process) {
  const std::int64_t done = steps_in(run);
  const std::int64_t step = std::uniform_int_distribution<std::int64_t>(done, verdict_.steps)(random_);
  while (is_running(process) && steps_in(run) < step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const double part = std::uniform_real_distribution<double>(0, 1.5 * step_seconds_)(random_);
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(part));
  while (is_running(process) && Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

void ResumeTrial::look_for_damage(const fs::path& run) {
  for (const lore::CheckpointPlace& place : lore::list_checkpoints(run)) {
    verdict_.torn += lore::checkpoint_damage(place.path).empty() ? 0 : 1;
  }
  for (const char* name : {"adapter", "best"}) {
    if (fs::exists(run / name)) {
      try {
        lore::SafetensorsFile::open(run / name / "adapter_model.safetensors");
      } catch (const lore::Error&) {
        ++verdict_.torn;
      }
    }
  }
}
