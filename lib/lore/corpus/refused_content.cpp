#include "lore/corpus/refused_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lore/core/error.h"

namespace lore {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  std::size_t offset;
  std::string_view message;
};

constexpr std::string_view kUnpack = "is compressed in a way that is not read (gzip and zstd are): unpack it";
constexpr std::string_view kTwice = "is compressed twice: unpack it once";
constexpr std::string_view kPickle =
    "is a Python pickle, which can run code when it is read and is refused: write the rows as JSONL";
constexpr std::string_view kTar = "is a tar archive: unpack it and name its folder";
constexpr std::string_view kModel = "is a model, not data";
constexpr std::string_view kMedia = "is a picture, not text: write what is to be trained as text or JSONL";

constexpr std::array kSignatures = {
    Signature{"\x1F\x8B", 0, kTwice},
    Signature{"\x28\xB5\x2F\xFD", 0, kTwice},
    Signature{"1AY&SY", 4, kUnpack},
    Signature{"\xFD\x37\x7A\x58\x5A\0"sv, 0, kUnpack},
    Signature{"7z\xBC\xAF\x27\x1C", 0, kUnpack},
    Signature{"\x04\x22\x4D\x18", 0, kUnpack},
    Signature{"Rar!\x1A\x07", 0, kUnpack},
    Signature{"ustar\0"sv, 257, kTar},
    Signature{"ustar  \0"sv, 257, kTar},
    Signature{"PAR1", 0,
              "is a Parquet file, which is not read: convert it, in Python by "
              "pandas.read_parquet(FILE).to_json(OUT, orient=\"records\", lines=True, force_ascii=False)"},
    Signature{"ARROW1\0"sv, 0, "is an Arrow file, which is not read: convert it to JSONL"},
    Signature{"Obj\x01", 0, "is an Avro file, which is not read: convert it to JSONL"},
    Signature{"\x89HDF\r\n", 0, "is an HDF5 file, which is not read: convert it to JSONL"},
    Signature{"\x93NUMPY", 0, "is a NumPy file: it holds numbers, not text; write the rows as JSONL"},
    Signature{"SQLite format 3\0"sv, 0, "is an SQLite database: export the table as CSV"},
    Signature{"%PDF-", 0, "is a PDF: extract its text, by pdftotext for one, and check it"},
    Signature{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 0,
              "is an old Office document (.xls, .doc): save it as CSV (UTF-8) or as plain text"},
    Signature{"{\\rtf", 0, "is an RTF document: save it as plain text"},
    Signature{"GGUF\x02\0"sv, 0, kModel},
    Signature{"GGUF\x03\0"sv, 0, kModel},
    Signature{"\x89PNG", 0, kMedia},
    Signature{"\xFF\xD8\xFF", 0, kMedia},
    Signature{"\x7F"
              "ELF",
              0, "is a program, not data"},
    Signature{"version https://git-lfs.github.com/spec/", 0,
              "is a Git LFS pointer, not the data itself: run `git lfs pull`"},
};

bool is_pickle(std::string_view sample) {
  // Protocols 2 to 5: PROTO n, then an opcode; the end is STOP, which may lie beyond the sample.
  return sample.size() > 2 && sample[0] == '\x80' && sample[1] >= 2 && sample[1] <= 5 &&
         "\x95}](cX\x8C"sv.find(sample[2]) != std::string_view::npos;
}

/// What a zip archive is, by the names of what it holds, which stand in it unpacked.
std::string_view zip_message(std::string_view sample) {
  const auto holds = [&](std::string_view name) { return sample.find(name) != std::string_view::npos; };
  if (holds("xl/w") || holds("xl/_rels") || holds("xl/t") || holds("xl/s")) {
    return "is an Excel workbook: save the sheet as CSV (UTF-8)";
  }
  if (holds("word/")) {
    return "is a Word document: save it as plain text";
  }
  if (holds("mimetypeapplication/vnd.oasis.opendocument")) {
    return "is an OpenDocument file: save it as CSV (UTF-8) or as plain text";
  }
  if (holds("data.pkl")) {
    return kModel;
  }
  return "is a zip archive: unpack it and name its folder";
}

}  // namespace

void refuse_content(std::string_view sample, const std::string& shown) {
  const auto refuse = [&](std::string_view message) {
    throw Error(ErrorKind::kInput, shown, std::string(message));
  };
  if (sample.starts_with("PK\x03\x04") || sample.starts_with("PK\x05\x06")) {
    refuse(zip_message(sample));
  }
  if (is_pickle(sample)) {
    refuse(kPickle);
  }
  for (const Signature& signature : kSignatures) {
    if (sample.size() >= signature.offset && sample.substr(signature.offset).starts_with(signature.bytes)) {
      refuse(signature.message);
    }
  }
}

}  // namespace lore
