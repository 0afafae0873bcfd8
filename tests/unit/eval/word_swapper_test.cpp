#include "lore/eval/word_swapper.h"

#include <fstream>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

lore::WordSwapper swapper(const std::string& sets) {
  return lore::WordSwapper(lore::parse_swap_lists(R"({"list": )" + sets + "}", "swaps.json").front());
}

const lore::SwapList& bundled(const std::string& name) {
  const auto& lists = lore::bundled_swap_lists();
  return *std::find_if(lists.begin(), lists.end(),
                       [&](const lore::SwapList& one) { return one.name == name; });
}

std::string swapped(const std::string& list, const std::string& text) {
  return lore::WordSwapper(bundled(list)).swap(text, 1).text;
}

std::string why(const std::string& json) {
  try {
    lore::parse_swap_lists(json, "swaps.json");
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("English words are swapped whole, in the case they are written in") {
  const auto gender = swapper(R"([["he", "she"], ["Mr", "Ms"]])");
  const lore::SwappedText text = gender.swap("He said the theme is HE, and Mr Hemming said he's there.", 1);
  CHECK(text.text == "She said the theme is SHE, and Ms Hemming said she's there.");
  CHECK(text.replaced == std::vector<std::pair<std::string, std::string>>{
                             {"He", "She"}, {"HE", "SHE"}, {"Mr", "Ms"}, {"he", "she"}});
  CHECK(gender.variants("the theme of 2024") == 0);
  CHECK(gender.variants("客户he说") == 1);
}

TEST_CASE("a word with a capital stands for itself alone") {
  const auto names = swapper(R"([["May", "Aisha"]])");
  CHECK(names.swap("May may come in May", 1).text == "Aisha may come in Aisha");
}

TEST_CASE("Chinese words have no boundaries, and a set of one word protects it") {
  CHECK(swapped("gender", "他和其他客户一样，妻子在外地，女士们说他行") ==
        "她和其他客户一样，丈夫在外地，先生们说他行");
}

TEST_CASE("the longest word counts") {
  const auto longest = swapper(R"([["her", "his"], ["told her", "told him"]])");
  CHECK(longest.swap("She told her that her card came.", 1).text == "She told him that his card came.");
}

TEST_CASE("a shift goes round each set, and the largest set that occurs gives the number of variants") {
  const auto regions = swapper(R"([["a1", "b1", "c1"], ["x1", "y1"]])");
  CHECK(regions.variants("a1 x1") == 2);
  CHECK(regions.variants("x1") == 1);
  CHECK(regions.swap("c1 x1", 1).text == "a1 y1");
  CHECK(regions.swap("c1 x1", 2).text == "b1 x1");
  CHECK(regions.swap("c1 x1", 2).replaced.size() == 1);
}

TEST_CASE("a number of a range becomes the one at the same share of the other range") {
  const auto ages = swapper(R"([["{20-30}岁", "{60-80}岁"], ["aged {20-30}", "aged {60-80}"]])");
  CHECK(ages.swap("她25岁，编号225岁月，19岁，Aged 30.", 1).text == "她70岁，编号225岁月，19岁，Aged 80.");
  CHECK(ages.swap("他72岁", 1).text == "他26岁");
}

TEST_CASE("the bundled lists tell the two uses of her apart") {
  CHECK(swapped("gender", "She asked us for her card. Her husband gave her a new one.") ==
        "He asked us for his card. His wife gave him a new one.");
  CHECK(swapped("ages", "Greg, aged 27, is a student.") == "Greg, aged 46, is a pensioner.");
  CHECK(swapped("names", "Emily Walsh") == "Lakisha Washington");
  CHECK(swapped("regions", "来自江苏") == "来自西藏");
}

TEST_CASE("lists are chosen by name or from a file beside the rows") {
  const TemporaryFolder folder;
  std::ofstream(folder / "own.json") << R"({"titles": [["Dr", "Prof"]]})";
  const std::vector<std::string> names = {"gender", "own.json"};
  const auto chosen = lore::choose_swap_lists(names, folder.path());
  REQUIRE(chosen.size() == 2);
  CHECK(chosen[1].name == "titles");
  CHECK(lore::choose_swap_lists({}, folder.path()).size() == 4);
  const std::vector<std::string> wrong = {"gendre"};
  CHECK_THROWS_WITH(lore::choose_swap_lists(wrong, folder.path()),
                    Catch::Matchers::Contains("did you mean 'gender'?"));
}

TEST_CASE("a list that cannot be used is refused with its place") {
  CHECK(why(R"({"ages": [["{1-2}", "old"]]})") ==
        "swaps.json: \"ages\": set 1: has a range of numbers in some of its words, and not in all");
  CHECK(why(R"({"ages": [["a", "b"], ["{5-2} years"]]})").find("set 2: \"{5-2} years\" has braces") !=
        std::string::npos);
  CHECK(why(R"({"gender": [["he", ""]]})").find("\"gender\": set 1: has a word that is no text") !=
        std::string::npos);
  CHECK(why(R"({"gender": ["he", "she"]})").find("expected a list of words") != std::string::npos);
  CHECK(why("[1]").find("expected an object of lists") != std::string::npos);
  CHECK(why("{").find("swaps.json") != std::string::npos);
}
