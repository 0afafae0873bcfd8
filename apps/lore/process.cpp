#include "process.h"

#include <malloc.h>
#include <sched.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "lore/kernels/parallel.h"
#include "memory_limits.h"

namespace {

std::atomic<int> signal_received{0};

extern "C" void remember_signal(int number) {
  int none = 0;
  const bool is_first = signal_received.compare_exchange_strong(none, number);
  // The next of the kind, and Ctrl-C after anything, ends the process at once.
  std::signal(number, SIG_DFL);
  if (!is_first && number == SIGINT) {
    std::raise(number);
  }
}

/// A page of a mapped file that cannot be read ends the process: the file was cut, or its disk failed.
extern "C" void tell_lost_page(int) {
  constexpr std::string_view kText =
      "\nlore: error: a file that is being read was cut, or its disk failed; nothing that was saved is "
      "lost\n";
  const ssize_t ignored = ::write(STDERR_FILENO, kText.data(), kText.size());
  (void)ignored;
  ::_exit(3);
}

void listen_for_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    struct sigaction action {};
    if (number == SIGHUP && sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
      continue;  // nohup
    }
    action = {};
    action.sa_handler = remember_signal;
    sigaction(number, &action, nullptr);
  }
}

/// CPUs of a cgroup v2 `cpu.max` ("200000 100000") or 0 when unlimited or unreadable.
int cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (file >> quota >> period && quota != "max" && period > 0) {
    return std::max(1, static_cast<int>(std::stod(quota) / period));
  }
  return 0;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::vector<std::filesystem::path> hub_caches() {
  std::vector<std::filesystem::path> roots;
  if (const char* cache = variable("HF_HUB_CACHE")) {
    roots.emplace_back(cache);
  }
  if (const char* home = variable("HF_HOME")) {
    roots.push_back(std::filesystem::path(home) / "hub");
  }
  if (const char* cache = variable("XDG_CACHE_HOME")) {
    roots.push_back(std::filesystem::path(cache) / "huggingface" / "hub");
  }
  if (const char* home = variable("HOME")) {
    roots.push_back(std::filesystem::path(home) / ".cache" / "huggingface" / "hub");
  }
  return roots;
}

/// Where what can be computed again is kept, in a folder `name`; empty: nowhere.
std::filesystem::path own_cache(const char* name) {
  if (const char* cache = variable("XDG_CACHE_HOME")) {
    return std::filesystem::path(cache) / "lore" / name;
  }
  if (const char* home = variable("HOME")) {
    return std::filesystem::path(home) / ".cache" / "lore" / name;
  }
  return {};
}

/// Buffers are made and freed in every layer: handing them back to the system each time, as malloc does with
/// large ones, costs a page fault for every 4 KiB of the next.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

}  // namespace

int granted_threads() {
  cpu_set_t set;
  const int mask = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const int quota = cgroup_quota();
  return std::max(1, quota > 0 ? std::min(mask, quota) : mask);
}

lore::Environment process_environment(int threads) {
  keep_freed_memory();
  lore::Environment environment;
  environment.threads = threads > 0 ? threads : granted_threads();
  environment.cache_roots = hub_caches();
  environment.cache_dir = own_cache("tokens");
  environment.hash_dir = own_cache("hashes");
  environment.temporary_dir = variable("TMPDIR") != nullptr ? variable("TMPDIR") : "/tmp";
  environment.memory_bytes = available_memory();
  environment.signal = &signal_received;
  lore::set_threads(environment.threads);
  listen_for_signals();
  std::signal(SIGBUS, tell_lost_page);
  // A file that may grow no further is an error of the write, which is reported and cleaned up after.
  std::signal(SIGXFSZ, SIG_IGN);
  return environment;
}

void limit_time(double seconds) {
  std::signal(SIGALRM, remember_signal);
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6);
  setitimer(ITIMER_REAL, &timer, nullptr);
}

int received_signal() { return signal_received; }

void forget_signal() {
  signal_received = 0;
  listen_for_signals();
}
