#include "lore/core/process_memory.h"

#include <fstream>
#include <string>

namespace lore {

std::int64_t peak_rss_bytes() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    if (std::int64_t kibibytes = 0; word == "VmHWM:" && file >> kibibytes) {
      return kibibytes * 1024;
    }
  }
  return 0;
}

// 5 resets VmHWM: proc(5), /proc/pid/clear_refs.
void reset_peak_rss() { std::ofstream("/proc/self/clear_refs") << 5; }

}  // namespace lore
