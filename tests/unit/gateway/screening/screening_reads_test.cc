// What compliance staff see of outputs.
#include "gateway/screening/screening_reads.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/screening/shown_prices.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;

class ScreeningReadsTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }

  v1::ScreenOutputRequest Price(const std::string& subject,
                                const std::string& id, int64_t cents) {
    auto request = Letter(subject, id);
    v1::Output* output = request.mutable_output();
    output->set_kind(v1::OUTPUT_KIND_PRICE);
    output->set_model("prices");
    output->set_text("");
    output->set_item("chair");
    output->mutable_price()->set_currency("EUR");
    output->mutable_price()->set_minor_units(cents);
    *output->mutable_base_price() = output->price();
    output->add_disclosures("personalised_price");
    return request;
  }

  absl::StatusOr<v1::OutputCase> Case(const std::string& subject) {
    v1::GetCaseRequest request;
    request.mutable_subject()->set_id(subject);
    request.set_item("chair");
    return Wait<v1::OutputCase>([&](auto done) {
      screening_reads().GetCase(As("letters"), request, std::move(done));
    });
  }

  absl::StatusOr<v1::ListScreeningsResponse> List(
      const v1::ListScreeningsRequest& request) {
    return Wait<v1::ListScreeningsResponse>([&](auto done) {
      screening_reads().List(As("letters"), request, std::move(done));
    });
  }
};

TEST_F(ScreeningReadsTest, OneIsShownWithItsWordsAndReason) {
  const std::string anna = Person("anna");
  const auto denied = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(denied);
  const auto shown = Get(denied->screening_id());
  ASSERT_OK(shown);
  EXPECT_EQ(shown->subject_id(), anna);
  EXPECT_EQ(shown->client_id(), "letters");
  EXPECT_EQ(shown->reason(), v1::ERROR_REASON_CONSENT_MISSING);
  EXPECT_EQ(shown->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_FALSE(shown->output().text().empty());
  // What opened the words.
  EXPECT_EQ(LastLeaf().purpose(), "test.review");
  EXPECT_EQ(ReasonOf(Get("scr_aaaaaaaaaaaaaaaaaaaaaaaa").status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(ScreeningReadsTest, AListIsNewestFirstFilteredAndPaged) {
  const std::string anna = Reader("anna");
  const std::string berta = Person("berta");
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(Screen("letters", Letter(anna, "a-" + std::to_string(i))));
    ASSERT_OK(Screen("letters", Letter(berta, "b-" + std::to_string(i))));
  }
  v1::ListScreeningsRequest request;
  request.set_page_size(4);
  auto page = List(request);
  ASSERT_OK(page);
  ASSERT_EQ(page->screenings_size(), 4);
  EXPECT_EQ(page->screenings(0).output().id(), "b-2");
  EXPECT_TRUE(page->screenings(0).output().text().empty());
  request.set_page_token(page->next_page_token());
  page = List(request);
  ASSERT_OK(page);
  EXPECT_EQ(page->screenings_size(), 2);
  EXPECT_TRUE(page->next_page_token().empty());
  v1::ListScreeningsRequest of_anna;
  of_anna.mutable_subject()->set_id(anna);
  page = List(of_anna);
  ASSERT_OK(page);
  EXPECT_EQ(page->screenings_size(), 3);
  v1::ListScreeningsRequest blocked;
  blocked.set_verdict(v1::VERDICT_BLOCKED);
  page = List(blocked);
  ASSERT_OK(page);
  for (const v1::Screening& each : page->screenings()) {
    EXPECT_EQ(each.verdict(), v1::VERDICT_BLOCKED);
  }
  EXPECT_GE(page->screenings_size(), 3);
  v1::ListScreeningsRequest none;
  none.set_model("other");
  page = List(none);
  ASSERT_OK(page);
  EXPECT_EQ(page->screenings_size(), 0);
}

TEST_F(ScreeningReadsTest, OfWhoeverIsJoinedWithHerToo) {
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  std::vector<std::string> wanted;
  for (int i = 0; i < 7; ++i) {
    const std::string id = "l-" + std::to_string(i);
    ASSERT_OK(Screen("letters", Letter(i % 3 == 0 ? anna : berta, id)));
    wanted.insert(wanted.begin(), id);
  }
  Merge(anna, berta);
  for (const std::string& of : {anna, berta}) {
    std::vector<std::string> seen;
    v1::ListScreeningsRequest request;
    request.mutable_subject()->set_id(of);
    request.set_page_size(2);
    for (int pages = 0; pages < 9; ++pages) {
      const auto page = List(request);
      ASSERT_OK(page);
      EXPECT_LE(page->screenings_size(), 2);
      for (const auto& each : page->screenings()) {
        seen.push_back(each.output().id());
      }
      request.set_page_token(page->next_page_token());
      if (request.page_token().empty()) break;
    }
    EXPECT_EQ(seen, wanted);
  }
}

TEST_F(ScreeningReadsTest, ACaseCountsOthersAndSuppressesSmallGroups) {
  const std::string anna = Reader("anna");
  const auto own = Screen("letters", Price(anna, "p-anna", 5000));
  ASSERT_OK(own);
  ASSERT_EQ(own->verdict(), v1::VERDICT_RELEASED) << own->DebugString();
  int shown = 0;
  for (int i = 0; i < 14; ++i) {
    const std::string other = Reader("other" + std::to_string(i));
    const auto answer = Screen("letters", Price(other, "p-" + std::to_string(i),
                                                i < 12 ? 5000 : 5050));
    ASSERT_OK(answer);
    if (answer->verdict() == v1::VERDICT_RELEASED) ++shown;
  }
  ASSERT_EQ(shown, 14);
  const auto found = Case(anna);
  ASSERT_OK(found);
  EXPECT_EQ(LastLeaf().purpose(), "test.review");
  ASSERT_EQ(found->shown_size(), 1);
  EXPECT_EQ(found->shown(0).output().price().minor_units(), 5000);
  EXPECT_EQ(found->shown(0).output().model(), "prices");
  ASSERT_EQ(found->others_size(), 1);
  EXPECT_EQ(found->others(0).price().minor_units(), 5000);
  EXPECT_EQ(found->others(0).count(), 12);
  EXPECT_TRUE(found->suppressed());
}

TEST_F(ScreeningReadsTest, ACustomerWhoSeesAPriceTwiceCountsOnce) {
  const std::string anna = Reader("anna");
  ASSERT_OK(Screen("letters", Price(anna, "p-0", 5000)));
  const std::string berta = Reader("berta");
  for (int i = 1; i < 12; ++i) {
    ASSERT_OK(Screen("letters", Price(berta, "p-" + std::to_string(i), 5000)));
  }
  const auto found = Case(anna);
  ASSERT_OK(found);
  EXPECT_EQ(found->others_size(), 0);
  EXPECT_TRUE(found->suppressed());
}

TEST_F(ScreeningReadsTest, HerOwnPartIsTakenOffHoweverMuchSheWasShownSince) {
  const std::string anna = Reader("anna");
  ASSERT_OK(Screen("letters", Price(anna, "p-0", 5000)));
  // More outputs of hers than are looked at at once.
  for (int i = 0; i < 70; ++i) {
    auto other = Price(anna, "q-" + std::to_string(i), 700);
    other.mutable_output()->set_item("lamp");
    ASSERT_OK(Screen("letters", other));
  }
  ASSERT_OK(Screen("letters", Price(anna, "p-1", 5000)));
  for (int i = 0; i < 10; ++i) {
    const std::string other = Reader("other" + std::to_string(i));
    ASSERT_OK(Screen("letters", Price(other, "r-" + std::to_string(i), 5000)));
  }
  const auto found = Case(anna);
  ASSERT_OK(found);
  ASSERT_EQ(found->others_size(), 1);
  EXPECT_EQ(found->others(0).count(), 10);
}

TEST_F(ScreeningReadsTest, OfTwoOutputsAtOnceOneIsCounted) {
  const std::string anna = Reader("anna");
  const auto shown = [&] {
    const auto doc = parts().items->Shown(reader_connection(), "chair",
                                          clock().NowUs(), "DE");
    EXPECT_OK(doc);
    int64_t count = 0;
    for (const auto& one : doc->counts()) count += one.count();
    return count;
  };
  std::vector<v1::ScreenOutputRequest> requests;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(Price(anna, "p-" + std::to_string(i), 5000));
  }
  std::vector<std::thread> threads;
  for (const auto& request : requests) {
    threads.emplace_back(
        [this, &request] { EXPECT_OK(Screen("letters", request).status()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shown(), 1);
}

TEST_F(ScreeningReadsTest, OnlyOutputsWhosePriceWasCountedAreOpened) {
  const std::string anna = Reader("anna");
  const ShownPrices prices(parts().rows, parts().items);
  const auto counted = [&](int64_t time_us) {
    const auto found =
        prices.Counted(reader_connection(), {Number(anna)}, "chair", time_us);
    EXPECT_OK(found);
    std::multiset<int64_t> amounts;
    if (!found.ok()) return amounts;
    for (const auto& one : *found) amounts.insert(one.minor_units());
    return amounts;
  };
  const int64_t first_us = clock().NowUs();
  ASSERT_OK(Screen("letters", Price(anna, "p-0", 5000)));
  clock().AdvanceUs(2 * kUsPerDay);
  ASSERT_OK(Screen("letters", Price(anna, "p-1", 5100)));
  ASSERT_OK(Screen("letters", Price(anna, "p-2", 5000)));
  // Shown once more, and not counted again.
  ASSERT_OK(Screen("letters", Price(anna, "p-3", 5000)));
  // Whatever becomes of these: they have no price.
  for (int i = 0; i < 100; ++i) {
    auto letter = Letter(anna, "l-" + std::to_string(i));
    letter.mutable_output()->set_item("chair");
    ASSERT_OK(Screen("letters", letter));
  }
  const std::multiset<int64_t> before({5000});
  const std::multiset<int64_t> today({5000, 5100});
  EXPECT_EQ(counted(first_us), before);
  EXPECT_EQ(counted(clock().NowUs()), today);
  EXPECT_EQ(counted(clock().NowUs() + kUsPerDay), std::multiset<int64_t>());
  // What does not open does not matter, since nobody tries.
  store::Change change;
  int64_t broken = 0;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        context.connection()->Prepare(
            "UPDATE screenings SET doc = $1 WHERE counted_day = 0"));
    query.Bind(std::string_view("x"));
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    broken = context.connection()->Changes();
    context.SetEntry("entry");
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  EXPECT_EQ(broken, 101);
  EXPECT_EQ(counted(first_us), before);
  EXPECT_EQ(counted(clock().NowUs()), today);
  EXPECT_OK(Screen("letters", Price(anna, "p-4", 5200)));
}

TEST_F(ScreeningReadsTest, ACustomerIsCountedForSoManyAmountsOfAnItemInADay) {
  const std::string anna = Reader("anna");
  const ShownPrices prices(parts().rows, parts().items);
  const auto show = [&](int amount) {
    const v1::Output output =
        Price(anna, "p-" + std::to_string(amount), amount).output();
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      ScreeningRow row;
      row.no = context.number();
      row.id = crypto::NewObjectId();
      row.output_key = parts().rows->keys().Output("letters", output.id());
      row.subject = Number(anna);
      row.doc.set_item(output.item());
      row.doc.set_place("DE");
      row.doc.set_time_us(context.now_us());
      CONSENTRY_RETURN_IF_ERROR(prices.Count(context.connection(),
                                             {row.subject}, output,
                                             context.now_us(), &row.doc));
      CONSENTRY_ASSIGN_OR_RETURN(const auto own,
                                 keys().slots().Load(row.subject));
      context.SetEntry("entry");
      return parts().rows->Insert(context.connection(), &own, row);
    };
    return committer()->CommitChangeAndWait(std::move(change)).status;
  };
  constexpr int kMost = static_cast<int>(ShownPrices::kMaxCounted);
  for (int day = 0; day < 2; ++day) {
    for (int i = 0; i < kMost + 3; ++i) {
      ASSERT_OK(show(5000 + 1000 * day + i));
    }
    const auto found = prices.Counted(reader_connection(), {Number(anna)},
                                      "chair", clock().NowUs());
    ASSERT_OK(found);
    EXPECT_EQ(found->size(), ShownPrices::kMaxCounted);
    // None of hers is left among what others were shown.
    const auto shown = parts().items->Shown(reader_connection(), "chair",
                                            clock().NowUs(), "DE");
    ASSERT_OK(shown);
    int64_t count = shown->more();
    for (const auto& one : shown->counts()) count += one.count();
    EXPECT_EQ(count, kMost);
    clock().AdvanceUs(kUsPerDay);
  }
}

TEST_F(ScreeningReadsTest,
       APriceThatAHumanReleasesOrChangesIsCountedWhereItIs) {
  const std::string anna = Reader("anna");
  const auto own = Screen("letters", Price(anna, "p-0", 5000));
  ASSERT_OK(own);
  const auto change = [&](review::Ruling ruling, const std::string& outcome) {
    store::Change made;
    made.apply = [&](store::ChangeContext& context) -> absl::Status {
      store::v1::Leaf leaf;
      const absl::Status status =
          target().Apply(context, own->screening_id(), ruling, outcome, &leaf);
      context.SetEntry(leaf.SerializeAsString());
      return status;
    };
    return committer()->CommitChangeAndWait(std::move(made)).status;
  };
  // Two days later a reviewer changes the amount.
  clock().AdvanceUs(2 * kUsPerDay);
  for (int i = 0; i < 11; ++i) {
    const std::string other = Reader("other" + std::to_string(i));
    ASSERT_OK(Screen("letters", Price(other, "r-" + std::to_string(i), 4900)));
  }
  ASSERT_OK(change(review::Ruling::kReleaseChanged, "49.00 EUR"));
  const auto found = Case(anna);
  ASSERT_OK(found);
  ASSERT_EQ(found->others_size(), 1) << found->DebugString();
  EXPECT_EQ(found->others(0).price().minor_units(), 4900);
  EXPECT_EQ(found->others(0).count(), 11);
}

TEST_F(ScreeningReadsTest, NobodysCaseIsDenied) {
  EXPECT_EQ(ReasonOf(Case("cus_aaaaaaaaaaaaaaaaaaaaaaaa").status()),
            v1::ERROR_REASON_ACCESS_DENIED);
}

}  // namespace
}  // namespace consentry::screening
