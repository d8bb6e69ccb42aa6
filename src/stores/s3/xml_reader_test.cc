#include "stores/s3/xml_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace haul::s3 {
namespace {

// The texts of all children of the root, as name=text.
std::vector<std::string> children(std::string document) {
  XmlReader xml(document);
  xml.root();
  std::vector<std::string> found;
  while (const auto name = xml.child())
    found.push_back(std::string(*name) + "=" + std::string(xml.text()));
  xml.expect_end();
  return found;
}

using Texts = std::vector<std::string>;

TEST(XmlReader, ReadsChildrenInOrder) {
  EXPECT_EQ(children("<?xml version=\"1.0\"?>\n<R xmlns=\"http://x/\"><A>1</A>\n <B>two</B></R>\n"),
            (Texts{"A=1", "B=two"}));
}

TEST(XmlReader, PassesOverWhatTellsNothing) {
  EXPECT_EQ(children("\xef\xbb\xbf \r\n<!-- a > b --><n:R a='>' b=\"/>\"><![CDATA[a]<b>]]><?pi <x> ?><!-- "
                     "<A> --><n:A c='1' >1</n:A ><B"
                     " />text<C/></n:R><!-- end -->"),
            (Texts{"A=1", "B=", "C="}));
}

TEST(XmlReader, DecodesEntitiesAndCdataInPlace) {
  EXPECT_EQ(children("<R><E>&quot;abc&quot;</E><K>a&amp;b&lt;&gt;&apos;&#13;&#x1F600;</K>"
                     "<C>x<![CDATA[<&amp;]]>y</C></R>"),
            (Texts{"E=\"abc\"", "K=a&b<>'\r\xf0\x9f\x98\x80", "C=x<&amp;y"}));
}

TEST(XmlReader, TextPassesOverElementsWithin) {
  EXPECT_EQ(children("<R><A>x<B>no<C>no</C></B>y</A></R>"), (Texts{"A=xy"}));
}

TEST(XmlReader, SkipClosesAnElementWithAllItHolds) {
  std::string document = "<R><A><B><C>1</C><D/></B></A><E>2</E></R>";
  XmlReader xml(document);
  xml.expect_root("R");
  EXPECT_EQ(xml.child(), "A");
  xml.skip();
  EXPECT_EQ(xml.child(), "E");
  EXPECT_EQ(xml.text(), "2");
  EXPECT_EQ(xml.child(), std::nullopt);
}

TEST(XmlReader, EveryCutOfADocumentIsARetryableError) {
  const std::string whole =
      "<?xml version=\"1.0\"?><R a=\"1\"><A>1&amp;2</A><B/><!-- c --><C><![CDATA[x]]></C></R>";
  ASSERT_EQ(children(whole), (Texts{"A=1&2", "B=", "C=x"}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    try {
      children(whole.substr(0, size));
      ADD_FAILURE() << "accepted " << whole.substr(0, size);
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
      EXPECT_TRUE(error.retryable());
    }
  }
}

TEST(XmlReader, MalformedDocumentsAreRefused) {
  for (const char* document :
       {"", "   ", "text", "<>", "<R></S>", "<R><A></R></A>", "<R><A></B></R>", "<R/><S/>",
        "<R><A>&nope;</A></R>", "<R><A>&amp</A></R>", "<R><A>&#0;x&#xD800;</A></R>", "<R><A>&#;</A></R>",
        "<R><A>&#x;</A></R>", "<R><A>&#x110000;</A></R>", "<!DOCTYPE R [<!ENTITY a \"aaaa\">]><R/>",
        "<R><!ELEMENT></R>", "<R <A/>></R>", "{\"json\": true}", "<R></Rx>"}) {
    EXPECT_THROW(children(document), Error) << document;
  }
}

TEST(XmlReader, DeepNestingIsRefusedAndNotRecursed) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "<a>";
  EXPECT_THROW(children("<R>" + deep + "</R>"), Error);
}

}  // namespace
}  // namespace haul::s3
