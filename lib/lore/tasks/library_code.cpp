#include "lore/tasks/library_code.h"

#include "library_hash.h"

namespace lore {

const char* library_code() { return kLibraryHash; }

}  // namespace lore
