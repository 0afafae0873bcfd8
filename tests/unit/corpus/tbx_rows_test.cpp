#include "read_rows.h"
#include "support/catch.h"

using Lines = std::vector<std::string>;

namespace {

// What data-samples/glossary.jsonl has for such a term.
const std::string kRow =
    R"({"id":"c1","term":"风控阈值","language":"zh","definition":"触发处置的临界值。",)"
    R"("translations":{"en":"risk-control threshold"},"definitions":{"en":"The critical value."},)"
    R"("synonyms":{"zh":["风险阈值"]},"forbidden":{"zh":["风险门槛值"],"en":["risk gate"]},)"
    R"("domain":"risk-control","source":"Lore authors"})";

}  // namespace

TEST_CASE("TBX as attributes (DCA, martif)") {
  const ReadResult read = read_text("g.tbx", R"(<?xml version='1.0' encoding="UTF-8"?>
<!DOCTYPE martif SYSTEM "TBXBasiccoreStructV02.dtd">
<martif type="TBX-Basic" xml:lang="en"><martifHeader><fileDesc><sourceDesc><p>x</p></sourceDesc></fileDesc></martifHeader>
<text><body>
<termEntry id="c1">
  <descrip type="subjectField">risk-control</descrip><admin type="source">Lore authors</admin>
  <langSet xml:lang="zh">
    <descripGrp><descrip type="definition">触发处置的临界值。</descrip></descripGrp>
    <tig><term>风险阈值</term><termNote type="administrativeStatus">admittedTerm-admn-sts</termNote></tig>
    <ntig><termGrp><term>风控<hi>阈值</hi></term><termNote type="administrativeStatus">preferredTerm-admn-sts</termNote></termGrp></ntig>
    <tig><term>风险门槛值</term><termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig>
  </langSet>
  <langSet xml:lang="en">
    <descrip type="definition">The critical
      value.</descrip>
    <tig><term>risk-control threshold</term><note>no part of it</note></tig>
    <tig><term>risk gate</term><termNote type="normativeAuthorization">supersededTerm</termNote></tig>
  </langSet>
</termEntry>
</body></text></martif>)");
  CHECK(read.error.empty());
  CHECK(read.rows == Lines{kRow});
  CHECK(read.places == Lines{"g.tbx:5"});
}

TEST_CASE("TBX as elements (DCT), in UTF-16") {
  const std::string text = R"(<?xml version="1.0" encoding="UTF-16"?>
<tbx style="dct" type="TBX-Basic" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"
 xmlns:min="http://www.tbxinfo.net/ns/min" xmlns:basic="http://www.tbxinfo.net/ns/basic">
<text><body><conceptEntry id="c1"><min:subjectField>risk-control</min:subjectField><basic:source>Lore authors</basic:source>
<langSec xml:lang="zh"><basic:definition>触发处置的临界值。</basic:definition>
<termSec><term>风险阈值</term></termSec>
<termSec><term>风控阈值</term><min:administrativeStatus>preferredTerm-admn-sts</min:administrativeStatus></termSec>
<termSec><term>风险门槛值</term><min:administrativeStatus>supersededTerm-admn-sts</min:administrativeStatus></termSec></langSec>
<langSec xml:lang="en"><basic:definition>The critical value.</basic:definition>
<termSec><term>risk-control threshold</term></termSec>
<termSec><term>risk gate</term><min:administrativeStatus>deprecatedTerm-admn-sts</min:administrativeStatus></termSec>
</langSec></conceptEntry></body></text></tbx>)";
  std::string utf16 = "\xFF\xFE";
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto low = [&](std::size_t at) { return static_cast<unsigned>(text[i + at]) & 0x3F; };
    const unsigned code = byte < 0x80 ? byte : (byte & 0x0Fu) << 12 | low(1) << 6 | low(2);
    i += byte < 0x80 ? 1 : 3;
    utf16 += static_cast<char>(code & 0xFF);
    utf16 += static_cast<char>(code >> 8);
  }
  const ReadResult read = read_text("g.xml", utf16);
  CHECK(read.error.empty());
  CHECK(read.rows == Lines{kRow});
}

TEST_CASE("entries before a damage are given, and a hostile file stays small") {
  const std::string entry =
      "<conceptEntry><langSec xml:lang='en'><termSec><term>a</term></termSec></langSec></conceptEntry>\n";
  const ReadResult cut = read_text("g.tbx", "<tbx>\n" + entry + entry + "<conceptEntry></wrong>");
  CHECK(cut.rows.size() == 2);
  CHECK(cut.error == "g.tbx:4: the XML is not well-formed: mismatched tag");
  const std::string filler(std::size_t{2} << 20, 'x');
  CHECK(read_text("g.tbx", "<tbx a='" + filler + "'/>").error ==
        "g.tbx:1: a tag or comment is longer than 1 MiB");
  std::string deep = "<tbx>";
  for (int i = 0; i < 100; ++i) {
    deep += "<a>";
  }
  CHECK(read_text("g.tbx", deep).error == "g.tbx:1: nested deeper than 64 levels");
  std::string terms = "<tbx>\n<conceptEntry><langSec xml:lang='en'>";
  for (int i = 0; i < 300'000; ++i) {
    terms += "<termSec><term>a</term></termSec>";
  }
  const ReadResult long_entry = read_text("g.tbx", terms + "</langSec></conceptEntry>\n" + entry + "</tbx>");
  CHECK(long_entry.problems == Lines{"g.tbx:2: the entry is longer than 16 MiB"});
  CHECK(long_entry.rows.size() == 1);
}
