#include "gateway/access/audit_reader.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/access/whole_gateway.h"

namespace consentry::access {
namespace {

class AuditReaderTest : public WholeGatewayTest {
 protected:
  static AuditReader* Reader() { return gateway()->audit_reader(); }
  static absl::StatusOr<v1::QueryAuditEntriesResponse> Query(
      const v1::QueryAuditEntriesRequest& request,
      const std::string& client = "compliance") {
    return gateway().Wait<v1::QueryAuditEntriesResponse>([&](auto done) {
      Reader()->Query(WholeGateway::As(client, "audit.query"), request,
                      std::move(done));
    });
  }
  // Every page of it, as indexes.
  static std::vector<uint64_t> All(v1::QueryAuditEntriesRequest request) {
    std::vector<uint64_t> indexes;
    for (int pages = 0; pages < 100; ++pages) {
      const auto page = Query(request);
      EXPECT_OK(page);
      if (!page.ok()) break;
      for (const auto& entry : page->entries()) {
        indexes.push_back(entry.index());
      }
      if (page->next_page_token().empty()) return indexes;
      request.set_page_token(page->next_page_token());
    }
    ADD_FAILURE() << "a search without an end";
    return indexes;
  }
  static v1::QueryAuditEntriesRequest About(const std::string& subject_id) {
    v1::QueryAuditEntriesRequest request;
    request.mutable_subject()->set_id(subject_id);
    return request;
  }
  static absl::StatusOr<v1::AuditEntry> Get(
      const v1::GetAuditEntryRequest& request) {
    return gateway().Wait<v1::AuditEntry>([&](auto done) {
      Reader()->Get(WholeGateway::As("compliance", "audit.get"), request,
                    std::move(done));
    });
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
};

TEST_F(AuditReaderTest, WhatWasDoneWithACustomerIsFoundUnderHer) {
  const std::string id = gateway().Write("found");
  const std::string other = gateway().Write("other");
  const uint64_t read = gateway().IndexOf(gateway().Read(id));
  gateway().Read(other);
  const auto found = Query(About(id));
  ASSERT_OK(found);
  ASSERT_EQ(found->entries_size(), 2);
  EXPECT_EQ(found->entries(0).index(), read);
  EXPECT_EQ(found->entries(1).event(), "data.write");
  EXPECT_GT(found->complete_to(), read);
}

TEST_F(AuditReaderTest, WhoAskedTheLogAboutHerIsFoundUnderHerToo) {
  const std::string id = gateway().Write("asked-about");
  EXPECT_EQ(All(About(id)).size(), 1u);
  const auto again = Query(About(id));
  ASSERT_OK(again);
  ASSERT_EQ(again->entries_size(), 2);
  EXPECT_EQ(again->entries(0).event(), "audit.query");
  EXPECT_EQ(again->entries(0).client_id(), "compliance");
}

TEST_F(AuditReaderTest, PagesOfAnySizeGiveEverythingOnceNewestFirst) {
  const std::string id = gateway().Write("paged");
  for (int i = 0; i < 6; ++i) gateway().Read(id);
  v1::QueryAuditEntriesRequest request;
  request.set_event("data.");
  const std::vector<uint64_t> all = All(request);
  ASSERT_GE(all.size(), 7u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i], all[i - 1]);
  for (const int size : {1, 2, 3, 5}) {
    request.set_page_size(size);
    EXPECT_EQ(All(request), all) << size;
  }
}

TEST_F(AuditReaderTest, APageTokenIsForItsCallerAndQuestion) {
  const std::string id = gateway().Write("token");
  for (int i = 0; i < 3; ++i) gateway().Read(id);
  v1::QueryAuditEntriesRequest request;
  request.set_event("data.");
  request.set_page_size(1);
  const auto first = Query(request);
  ASSERT_OK(first);
  ASSERT_NE(first->next_page_token(), "");
  request.set_page_token(first->next_page_token());
  EXPECT_OK(Query(request));
  EXPECT_EQ(Why(Query(request, "shop").status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  v1::QueryAuditEntriesRequest other = request;
  other.set_event("consent.");
  EXPECT_EQ(Why(Query(other).status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  other = request;
  *other.mutable_subject() = About(id).subject();
  EXPECT_EQ(Why(Query(other).status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  other = request;
  other.mutable_page_token()->back() ^= 1;
  EXPECT_EQ(Why(Query(other).status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(AuditReaderTest, FiltersAreAllToHold) {
  const std::string id = gateway().Write("filtered");
  const uint64_t mine = gateway().IndexOf(gateway().Read(id, "rival"));
  v1::QueryAuditEntriesRequest request = About(id);
  request.set_client_id("rival");
  request.set_purpose("essential.service.operations");
  request.set_effect(v1::EFFECT_PERMIT);
  EXPECT_EQ(All(request), std::vector<uint64_t>{mine});
  request.set_effect(v1::EFFECT_DENY);
  EXPECT_TRUE(All(request).empty());
  request.clear_effect();
  request.mutable_to_time()->set_seconds(1);
  EXPECT_TRUE(All(request).empty());
}

TEST_F(AuditReaderTest, AnEntryIsFoundByIndexAuditAndDecisionReference) {
  const v1::Decision decision = gateway().Read(gateway().Write("reference"));
  v1::GetAuditEntryRequest request;
  request.set_index(gateway().IndexOf(decision));
  const auto by_index = Get(request);
  ASSERT_OK(by_index);
  EXPECT_EQ(by_index->event(), "data.read");
  for (const std::string& reference :
       {decision.id(), decision.audit_reference()}) {
    request.set_reference(reference);
    const auto entry = Get(request);
    ASSERT_OK(entry);
    EXPECT_EQ(entry->SerializeAsString(), by_index->SerializeAsString());
  }
  EXPECT_EQ(gateway().LastLeaf().event(), "audit.get");
  for (const char* reference : {"", "aud_x", "anna@shop.example"}) {
    request.set_reference(reference);
    EXPECT_EQ(Why(Get(request).status()), v1::ERROR_REASON_NOT_FOUND);
  }
  request.set_index(1'000'000);
  EXPECT_EQ(Why(Get(request).status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(AuditReaderTest, AProofHoldsForItsEntryAndNoOther) {
  const v1::Decision decision = gateway().Read(gateway().Write("proof"));
  v1::ProveInclusionRequest request;
  request.set_reference(decision.audit_reference());
  const auto proof = gateway().Wait<v1::InclusionProof>([&](auto done) {
    Reader()->ProveInclusion(WholeGateway::As("compliance", "audit.prove"),
                             request, std::move(done));
  });
  ASSERT_OK(proof);
  EXPECT_EQ(proof->index(), gateway().IndexOf(decision));
  EXPECT_GT(proof->tree_size(), proof->index());
  store::v1::Leaf leaf;
  ASSERT_TRUE(leaf.ParseFromString(proof->leaf()));
  EXPECT_EQ(leaf.event(), "data.read");
  request.set_index(1'000'000);
  EXPECT_EQ(Why(gateway()
                    .Wait<v1::InclusionProof>([&](auto done) {
                      Reader()->ProveInclusion(
                          WholeGateway::As("compliance", "audit.prove"),
                          request, std::move(done));
                    })
                    .status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(AuditReaderTest, AQuestionAboutNobodyFindsNothingAndIsAnEntry) {
  gateway().Write("somebody");
  v1::QueryAuditEntriesRequest request;
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  request.mutable_subject()->mutable_identifier()->set_value(
      "nobody@shop.example");
  const auto found = Query(request);
  ASSERT_OK(found);
  EXPECT_EQ(found->entries_size(), 0);
  EXPECT_EQ(gateway().LastLeaf().event(), "audit.query");
  request.set_page_size(-1);
  EXPECT_EQ(Why(Query(request).status()), v1::ERROR_REASON_FIELD_INVALID);
}

}  // namespace
}  // namespace consentry::access
