#include "lore/corpus/personal_data.h"

namespace lore {}
