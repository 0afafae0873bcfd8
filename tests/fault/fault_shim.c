/* Loaded before the C library (LD_PRELOAD), counts and fails calls that bring bytes to the disk.
 *
 *   LORE_FAULT_UNDER  only files and folders under this path count
 *   LORE_FAULT_CALL   write, fsync, rename or all
 *   LORE_FAULT_NTH    which of them fails, from 1; later ones too. 0: none
 *   LORE_FAULT_ERRNO  with what, as a number
 *   LORE_FAULT_LOG    a folder: every fsync leaves there what it made durable, for simulating a loss of power
 *   LORE_FAULT_COUNT  a file that gets the number of calls at the end
 *   LORE_FAULT_FREE   bytes that every disk claims to have free
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls = 0;
static long events = 0;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value != NULL ? value : "";
}

static int is_under(const char *path) {
  const char *root = setting("LORE_FAULT_UNDER");
  const size_t length = strlen(root);
  return length > 0 && strncmp(path, root, length) == 0;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return 1;
}

/* The errno to fail with, or 0. */
static int verdict(const char *call, const char *path) {
  if (!is_under(path)) return 0;
  const char *wanted = setting("LORE_FAULT_CALL");
  if (strcmp(wanted, call) != 0 && strcmp(wanted, "all") != 0) return 0;
  pthread_mutex_lock(&lock);
  const long number = ++calls;
  pthread_mutex_unlock(&lock);
  const long nth = atol(setting("LORE_FAULT_NTH"));
  return nth > 0 && number >= nth ? atoi(setting("LORE_FAULT_ERRNO")) : 0;
}

static int verdict_fd(const char *call, int fd) {
  char path[PATH_MAX];
  return path_of(fd, path) ? verdict(call, path) : 0;
}

static void copy_file(int fd, const char *to) {
  const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  char buffer[1 << 16];
  off_t offset = 0;
  for (ssize_t n; (n = pread(fd, buffer, sizeof buffer, offset)) > 0; offset += n) {
    syscall(SYS_write, out, buffer, (size_t)n);
  }
  close(out);
}

static void list_folder(const char *path, const char *to) {
  FILE *out = fopen(to, "w");
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      fprintf(out, "%lu\t%s\n", (unsigned long)entry->d_ino, entry->d_name);
    }
  }
  if (folder != NULL) closedir(folder);
  fclose(out);
}

/* Puts down what the disk would hold of `fd` after a loss of power: LOG/NUMBER.{file,folder}.INODE. */
static void remember(int fd) {
  const char *log = setting("LORE_FAULT_LOG");
  char path[PATH_MAX];
  struct stat info;
  if (*log == '\0' || !path_of(fd, path) || !is_under(path) || fstat(fd, &info) != 0) return;
  pthread_mutex_lock(&lock);
  char to[PATH_MAX + 64];
  const int is_folder = S_ISDIR(info.st_mode);
  snprintf(to, sizeof to, "%s/%06ld.%s.%lu", log, ++events, is_folder ? "folder" : "file", (unsigned long)info.st_ino);
  if (is_folder) {
    list_folder(path, to);
  } else {
    const int in = open(path, O_RDONLY);
    copy_file(in, to);
    close(in);
  }
  pthread_mutex_unlock(&lock);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(error) \
  do {                 \
    const int e = (error); \
    if (e != 0) {      \
      errno = e;       \
      return -1;       \
    }                  \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t size) {
  FAIL_IF(verdict_fd("write", fd));
  return REAL(write)(fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  FAIL_IF(verdict_fd("write", fd));
  return REAL(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  FAIL_IF(verdict_fd("write", fd));
  return REAL(pwrite)(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  FAIL_IF(verdict_fd("write", fd));
  return REAL(pwrite64)(fd, bytes, size, offset);
}

int fsync(int fd) {
  FAIL_IF(verdict_fd("fsync", fd));
  const int status = REAL(fsync)(fd);
  remember(fd);
  return status;
}

int rename(const char *from, const char *to) {
  FAIL_IF(verdict("rename", to));
  return REAL(rename)(from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  FAIL_IF(verdict("rename", to));
  return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int statvfs(const char *path, struct statvfs *info) {
  const int status = REAL(statvfs)(path, info);
  if (*setting("LORE_FAULT_FREE") != '\0') info->f_bavail = (fsblkcnt_t)atol(setting("LORE_FAULT_FREE")) / info->f_frsize;
  return status;
}

int statvfs64(const char *path, struct statvfs64 *info) {
  const int status = REAL(statvfs64)(path, info);
  if (*setting("LORE_FAULT_FREE") != '\0') info->f_bavail = (fsblkcnt64_t)atol(setting("LORE_FAULT_FREE")) / info->f_frsize;
  return status;
}

__attribute__((destructor)) static void put_count(void) {
  const char *path = setting("LORE_FAULT_COUNT");
  if (*path != '\0') {
    FILE *out = fopen(path, "w");
    fprintf(out, "%ld\n", calls);
    fclose(out);
  }
}
