#include "lore/tasks/tensor_scan.h"

#include <cmath>
#include <cstring>

#include "lore/core/atomic_file.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

std::shared_ptr<const lore::MappedFile> mapped(const TemporaryFolder& folder,
                                               const std::vector<float>& values) {
  const std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  lore::write_file_atomically(folder / "values", bytes);
  return lore::MappedFile::open(folder / "values");
}

lore::ScanInput input(const std::shared_ptr<const lore::MappedFile>& file, std::vector<std::int64_t> shape) {
  return {"t", lore::DType::kF32, std::move(shape), file->bytes(), file};
}

}  // namespace

TEST_CASE("the first value that is no finite number is named, across pieces") {
  const TemporaryFolder folder;
  std::vector<float> values(3'000'000, 1.0F);
  values[2'500'001] = std::nanf("");
  values[2'900'000] = INFINITY;
  const auto file = mapped(folder, values);
  const std::vector<lore::ScanInput> tensors{input(file, {3000, 1000})};
  const auto result = lore::scan_tensors(tensors, {}).front();
  CHECK(result.first_bad == 2'500'001);
  CHECK(result.place(tensors[0].shape) == "[2500,1]");
  CHECK_FALSE(result.zero);
}

TEST_CASE("zeros are told from what is not") {
  const TemporaryFolder folder;
  std::vector<float> values(2'000'000, 0.0F);
  CHECK(lore::scan_tensors({input(mapped(folder, values), {2'000'000})}, {}).front().zero);
  values.back() = 1e-30F;
  CHECK_FALSE(lore::scan_tensors({input(mapped(folder, values), {2'000'000})}, {}).front().zero);
}

TEST_CASE("blocks of a quantized type are read through their scales") {
  const TemporaryFolder folder;
  std::string blocks(3 * 34, '\1');  // Q8_0: a half and 32 codes
  const std::uint16_t infinity = 0x7c00;
  std::memcpy(blocks.data() + 34, &infinity, sizeof infinity);
  lore::write_file_atomically(folder / "blocks", blocks);
  const auto file = lore::MappedFile::open(folder / "blocks");
  const lore::ScanInput tensor{"t", lore::GgmlType::kQ8_0, {1, 96}, file->bytes(), file};
  CHECK(lore::scan_tensors({tensor}, {}).front().first_bad == 32);
  const lore::ScanInput unread{"t", lore::GgmlType::kIQ2_S, {1, 96}, file->bytes(), file};
  CHECK_FALSE(lore::scan_tensors({unread}, {}).front().readable);
}
