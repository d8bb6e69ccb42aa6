#include "job/item_result.h"

#include <gtest/gtest.h>

#include <random>

#include "job/packed.h"

namespace haul::job {
namespace {

ItemResult arrived() {
  ItemResult result;
  result.step = ItemStep::arrived;
  result.bytes = 12345;
  result.etag = "\"with quotes; and 5:colons\"";
  result.modified = Time(std::chrono::seconds(-1));
  result.written_etag = std::string("bytes\0\xff", 7);
  result.written_version = "v1";
  result.checksum = checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(std::string_view("x")));
  result.how = transfer::Method::parts;
  result.proof = transfer::Proof::checksum;
  result.transferred = true;
  result.took = std::chrono::milliseconds(7);
  result.losses = {"tags", "owner"};
  return result;
}

TEST(ItemFacts, come_back_as_they_were) {
  ItemResult catalogued = arrived();
  catalogued.step = ItemStep::catalogued;
  catalogued.already_there = true;
  catalogued.catalogue = CatalogueState::unmatched;
  std::string facts;
  pack_facts(facts, arrived());
  pack_facts(facts, ItemResult());
  pack_facts(facts, catalogued);
  const auto back = unpack_facts(facts, 3);
  ASSERT_TRUE(back);
  const ItemResult& first = (*back)[0];
  EXPECT_EQ(first.step, ItemStep::arrived);
  EXPECT_EQ(first.bytes, 12345U);
  EXPECT_EQ(first.etag, arrived().etag);
  EXPECT_EQ(first.modified, arrived().modified);
  EXPECT_EQ(first.written_etag, arrived().written_etag);
  EXPECT_EQ(first.written_version, "v1");
  EXPECT_EQ(first.checksum, arrived().checksum);
  EXPECT_EQ(first.how, transfer::Method::parts);
  EXPECT_EQ(first.proof, transfer::Proof::checksum);
  EXPECT_TRUE(first.verified());
  EXPECT_EQ(first.took, arrived().took);
  EXPECT_EQ(first.losses, arrived().losses);
  EXPECT_EQ((*back)[1].step, ItemStep::undone);
  EXPECT_EQ((*back)[2].step, ItemStep::catalogued);
  EXPECT_TRUE((*back)[2].already_there);
  EXPECT_EQ((*back)[2].catalogue, CatalogueState::unmatched);
}

TEST(ItemFacts, of_another_number_of_objects_are_refused) {
  std::string facts;
  pack_facts(facts, arrived());
  EXPECT_FALSE(unpack_facts(facts, 0));
  EXPECT_FALSE(unpack_facts(facts, 2));
  EXPECT_TRUE(unpack_facts("", 0));
}

TEST(ItemFacts, that_were_cut_or_mangled_are_refused_or_read_and_never_more) {
  std::string facts;
  for (int i = 0; i < 3; ++i)
    pack_facts(facts, arrived());
  for (std::size_t length = 0; length < facts.size(); ++length)
    EXPECT_FALSE(unpack_facts(std::string_view(facts).substr(0, length), 3)) << length;
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string mangled = facts;
    for (int i = 0; i < 3; ++i)
      mangled[random() % mangled.size()] = static_cast<char>(random());
    unpack_facts(mangled, 3);
  }
  EXPECT_FALSE(unpack_facts("18446744073709551615:", 1));
  EXPECT_FALSE(unpack_facts("1;0;18446744073709551616;", 1));
}

}  // namespace
}  // namespace haul::job
