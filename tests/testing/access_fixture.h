#ifndef CONSENTRY_TESTS_TESTING_ACCESS_FIXTURE_H_
#define CONSENTRY_TESTS_TESTING_ACCESS_FIXTURE_H_

#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/access/governed_reads.h"
#include "gateway/access/refusals.h"
#include "gateway/access/select.h"
#include "gateway/consent/imported_choices.h"
#include "gateway/consent/ledger.h"
#include "gateway/crypto/request_digest.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::testing {

// What a completion will be called with.
template <class T>
std::pair<absl::AnyInvocable<void(T)>, std::future<T>> Promised() {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  return {[promise](T value) { promise->set_value(std::move(value)); },
          std::move(future)};
}

// Purposes of the fixture, for the catalog of VaultFixture under the GDPR.
// Contract: names, e-mail, city, orders.
inline constexpr char kServicePurpose[] = "test.service";
// Consent on notice "letters" 1; by e-mail. Name and e-mail.
inline constexpr char kLettersPurpose[] = "test.letters";
// Own similar products to those who bought; by e-mail.
inline constexpr char kOffersPurpose[] = "test.customers";
// Legitimate interest. Birth date as age band, e-mail as pseudonym, points
// rounded, tier, city.
inline constexpr char kStatsPurpose[] = "test.stats";
// Contract, while a ticket of the last 30 days is open. Name and ticket.
inline constexpr char kSupportPurpose[] = "test.support";

// Contract, a significant decision; by e-mail. Tier.
inline constexpr char kCreditPurpose[] = "test.credit";

// Reads and choices on a real store and a real policy; the audit log is in
// memory, the clock stands still. Clients "shop" (service), "letters",
// "stats" and "stats-2", "desk" (support), "bank" (credit), each for its one
// purpose.
class AccessFixture : public VaultFixture {
 public:
  AccessFixture();
  ~AccessFixture();

  // A registration like those of the fixture.
  static v1::Client ClientFor(const std::string& id,
                              const std::string& purpose);
  // Registers or replaces one; the next call is under the new configuration.
  void SetClient(const v1::Client& client);
  // The policy with an owner's pack.
  void SetOwnerPack(const std::string& pack);
  // One of the fixture's purposes is suspended, or it is not any more.
  void SetSuspended(const std::string& purpose, bool suspended);
  // The text of its purposes, with one part of it replaced.
  void ReplaceInPurposes(const std::string& part, const std::string& with);
  // Configurations made from now on say that they are this much older or newer
  // than the committer's.
  void ShiftEpoch(int64_t by);
  std::shared_ptr<const clients::Configuration> configuration() const {
    MutexLock lock(&mu_);
    return configuration_;
  }
  const policy::Bundle& bundle() const { return configuration()->bundle(); }

  static access::Caller As(const std::string& client, bool may_explain = true);

  // A customer: key@example.com, first name "Anna", resident in Germany.
  // Returns her public id.
  std::string Person(const std::string& key);
  std::vector<vault::RowOutcome> ImportChoices(const v1::ImportRow& row);
  uint64_t Number(const std::string& subject_id) {
    return FindById(subject_id);
  }

  using ReadOutcome = absl::StatusOr<access::Released<v1::ReadSubjectResponse>>;
  static v1::ReadSubjectRequest Request(const std::string& subject_id,
                                        const std::string& purpose,
                                        const std::vector<std::string>& fields);
  std::future<ReadOutcome> StartRead(const access::Caller& caller,
                                     const v1::ReadSubjectRequest& request);
  // Waits, and gives the tickets back.
  absl::StatusOr<v1::ReadSubjectResponse> Read(
      const access::Caller& caller, const v1::ReadSubjectRequest& request);

  // Waits. Fails the test where it fails.
  v1::RecordConsentResponse Give(const std::string& subject_id,
                                 const std::string& purpose,
                                 int64_t valid_until_us = 0);
  std::future<absl::StatusOr<consent::Answer<v1::WithdrawConsentResponse>>>
  StartWithdraw(const std::string& subject_id);
  void Withdraw(const std::string& subject_id);
  // Joins two customers.
  void Merge(const std::string& subject_id, const std::string& other_id);

  // Writes `sql` with one parameter as a change of its own, as somebody could
  // who writes the store.
  void Tamper(const std::string& sql, const std::string& blob);
  std::string Blob(const std::string& sql);

  access::GovernedReads& reads() { return *reads_; }
  access::Selection& selection() { return *selection_; }
  access::Refusals& refusals() { return *refusals_; }
  consent::Ledger& ledger() { return *ledger_; }
  // For further parts of the ledger.
  const consent::LedgerOptions& ledger_options() const {
    return ledger_options_;
  }
  // What the ledger's consents are held against.
  consent::NoticeBook& notice_book() { return notice_book_; }
  const crypto::PageTokens& page_tokens() const { return page_tokens_; }
  const crypto::RequestDigests& digests() const { return digests_; }
  const crypto::OpaqueTokens& tokens() const { return tokens_; }
  base::WorkerPool& workers() { return *workers_; }

 private:
  void Build();

  crypto::OpaqueTokens tokens_;
  crypto::PageTokens page_tokens_;
  crypto::RequestDigests digests_;
  clients::ClientUses uses_;
  std::map<std::string, v1::Client> clients_;
  std::string owner_pack_;
  std::string purposes_;
  std::set<std::string, std::less<>> suspended_;
  int64_t epoch_shift_ = 0;
  mutable Mutex mu_;
  std::shared_ptr<const clients::Configuration> configuration_
      ABSL_GUARDED_BY(mu_);
  std::unique_ptr<base::WorkerPool> workers_;
  std::unique_ptr<access::Refusals> refusals_;
  access::GovernedReads::Options options_;
  std::unique_ptr<access::GovernedReads> reads_;
  std::unique_ptr<access::Selection> selection_;
  consent::NoticeBook notice_book_;
  consent::LedgerOptions ledger_options_;
  std::unique_ptr<consent::Ledger> ledger_;
  std::unique_ptr<consent::ImportedChoices> choices_;
  std::unique_ptr<vault::VaultWriter> choice_writer_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_ACCESS_FIXTURE_H_
