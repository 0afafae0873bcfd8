#pragma once

#include "lore/tasks/environment.h"

/// What the library is told of this process: threads, Hugging Face caches (HF_HUB_CACHE, HF_HOME,
/// XDG_CACHE_HOME, HOME), folders for its own files (XDG_CACHE_HOME, HOME, TMPDIR), and the flag that SIGINT,
/// SIGTERM, SIGHUP and SIGUSR1 set. The second signal of a kind, and any SIGINT that is not the first signal,
/// end the process at once. `threads` 0 means what the processor mask and the cgroup grant.
lore::Environment process_environment(int threads);

/// Processors this process may use: the smaller of its affinity mask and its cgroup's CPU quota.
int granted_threads();

/// Has SIGALRM set the flag after `seconds`.
void limit_time(double seconds);

/// The number of the signal that arrived, or 0.
int received_signal();

/// Goes on as if none had arrived.
void forget_signal();
