#include "tests/unit/gateway/erasure/erasure_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/erasure/erasure_rows.h"
#include "gateway/server/wire_rights.h"
#include "gateway/vault/record_number.h"
#include "policy/rights/case_flow.h"
#include "tests/testing/status_matchers.h"

namespace consentry::erasure {
namespace {

using clients::CallerContext;
using testing::AccessFixture;
using testing::kServicePurpose;
using testing::Promised;

constexpr int64_t kWaitUs = int64_t{60} * 1'000'000;
constexpr char kName[] = "profile.first_name";
constexpr char kStaffA[] = "staff-a";
constexpr char kStaffB[] = "staff-b";

}  // namespace

const char* NameOf(Act act) {
  switch (act) {
    case Act::kHoldAll:
      return "hold all";
    case Act::kHoldName:
      return "hold name";
    case Act::kApproveOwn:
      return "approve own";
    case Act::kRefuse:
      return "refuse";
    case Act::kApprove:
      return "approve";
    case Act::kComplete:
      return "complete";
    case Act::kLift:
      return "lift";
    case Act::kCancel:
      return "cancel";
    case Act::kAskAgain:
      return "ask again";
    case Act::kWait:
      return "wait";
    case Act::kSweep:
      return "sweep";
    case Act::kCrash:
      return "crash";
  }
  return "";
}

bool Sight::Case::open() const { return policy::IsOpen(state); }

bool Sight::Job::under_way() const {
  return state == ErasureState::kResealing ||
         state == ErasureState::kResealed || state == ErasureState::kDestroyed;
}

const Sight::Job* Sight::JobOf(int of_case) const {
  for (const Job& job : jobs) {
    if (job.of_case == of_case) return &job;
  }
  return nullptr;
}

bool Sight::any_under_way() const {
  return std::any_of(jobs.begin(), jobs.end(),
                     [](const Job& job) { return job.under_way(); });
}

bool Sight::any_done() const {
  return std::any_of(jobs.begin(), jobs.end(), [](const Job& job) {
    return job.state == ErasureState::kDone || job.state == ErasureState::kKept;
  });
}

std::string Sight::ToString() const {
  std::string text;
  for (const Case& one : cases) {
    absl::StrAppend(&text, "case ", v1::RightsState_Name(one.state), " ",
                    one.approver, one.leads_to_her ? " hers" : "",
                    one.by_system ? " system" : "", "\n");
  }
  for (const Job& job : jobs) {
    absl::StrAppend(&text, "job ", job.of_case, " ",
                    static_cast<int>(job.state), job.due ? " due" : "",
                    job.certified ? " certified " : " ", job.rest, "\n");
  }
  for (const Member& member : members) {
    absl::StrAppend(&text, "member", member.destroyed ? " destroyed" : "", " ",
                    member.generations, member.previous ? " previous" : "", " ",
                    member.records, member.has_head ? " head" : "",
                    member.erasing ? " erasing" : "",
                    member.erasure_held ? " erasure held" : "",
                    member.restricted ? " restricted" : "",
                    member.legal_hold ? " held" : "",
                    member.erased ? " erased" : "",
                    member.readable ? " readable" : "", "\n");
  }
  absl::StrAppend(&text, hold_on_all ? "hold on all\n" : "",
                  hold_on_name ? "hold on name\n" : "", "suppressed ",
                  suppressed, " certificates ", certificates, "\n");
  return text;
}

ErasureWorld::ErasureWorld()
    : signer_(audit::SkeySigner::FromSeed("test.log", std::string(32, 'k'))
                  .value()),
      suppression_(&keys().epochs(), [] { return 120u; }),
      desk_(&parts_) {
  for (const auto& [id, role] :
       {std::pair{"office", v1::ROLE_COMPLIANCE}, {"dpo", v1::ROLE_DPO}}) {
    v1::Client client = ClientFor(id, kServicePurpose);
    client.set_role(role);
    client.clear_purposes();
    client.clear_read_categories();
    client.clear_attests();
    client.clear_permissions();
    SetClient(client);
  }
  const auto source = [this] { return configuration(); };
  parts_.configuration = source;
  parts_.committer = committer();
  parts_.readers = readers();
  parts_.subjects = &reader();
  parts_.slots = &keys().slots();
  parts_.epochs = &keys().epochs();
  parts_.cache = &cache();
  parts_.suppression = &suppression_;
  parts_.signer = signer_.get();
  parts_.workers = &workers();
  parts_.page_tokens = &page_tokens();
  parts_.digests = &digests();
  parts_.log_origin = "test.log";
  parts_.wait_us = kWaitUs;
  parts_.final_us = [](store::Connection*, int64_t destroyed_us) {
    return absl::StatusOr<int64_t>(destroyed_us);
  };
  rights::CaseDesk::Options options;
  options.configuration = source;
  options.committer = committer();
  options.readers = readers();
  options.subjects = &reader();
  options.slots = &keys().slots();
  options.epochs = &keys().epochs();
  options.cache = &cache();
  options.tokens = &tokens();
  options.digests = &digests();
  options.ledger = &ledger();
  options.log_origin = "test.log";
  server::WireErasures(&desk_, &options.outgoing);
  cases_ = std::make_unique<rights::CaseDesk>(std::move(options));
  rights::CaseCompletion::Options completion;
  completion.parts = {
      .configuration = source, .committer = committer(), .workers = &workers()};
  completion.desk = cases_.get();
  completion.writer = &writer();
  completion_ = std::make_unique<rights::CaseCompletion>(std::move(completion));
  server::WireCases(cases_.get(), &parts_);
  parts_.finished = [this, finished = std::move(parts_.finished)](
                        store::ChangeContext& context,
                        const v1::ErasureCertificate& certificate) {
    ++certificates_;
    return finished(context, certificate);
  };
  Restart();
}

ErasureWorld::~ErasureWorld() { Stop(); }

CallerContext ErasureWorld::Staff(const std::string& person) {
  CallerContext caller;
  caller.client_id = "office";
  caller.method = "RightsService.Test";
  caller.event = "rights.test";
  caller.context.set_acting_person(person);
  return caller;
}

CallerContext ErasureWorld::Herself() const {
  CallerContext caller;
  caller.client_id = "shop";
  caller.method = "RightsService.Test";
  caller.event = "rights.test";
  caller.person.emplace();
  caller.person->roles = uint32_t{1} << v1::ROLE_CUSTOMER;
  caller.person->subject = numbers_[0];
  caller.person->subject_id = ids_[0];
  return caller;
}

rights::CaseRow ErasureWorld::ReadRow(const std::string& id) {
  auto row =
      cases_->rows().Read(reader_connection(),
                          *crypto::ParseId(crypto::IdKind::kRightsRequest, id));
  return row.ok() ? *std::move(row) : rights::CaseRow();
}

size_t ErasureWorld::FirstIn(v1::RightsState state) {
  for (size_t i = 0; i < case_ids_.size(); ++i) {
    const auto now =
        static_cast<v1::RightsState>(ReadRow(case_ids_[i]).doc.state());
    if (state == v1::RIGHTS_STATE_UNSPECIFIED ? policy::IsOpen(now)
                                              : now == state) {
      return i;
    }
  }
  return case_ids_.size() - 1;
}

template <class Message, class Method>
bool ErasureWorld::DoCase(Method method, const CallerContext& caller, size_t at,
                          Message request) {
  request.set_id(case_ids_[at]);
  if constexpr (requires { request.set_etag(""); }) {
    request.set_etag(std::to_string(ReadRow(case_ids_[at]).doc.version()));
  }
  auto [done, future] = Promised<absl::StatusOr<v1::RightsCase>>();
  if constexpr (std::is_same_v<Message, v1::CompleteRightsCaseRequest>) {
    ((*completion_).*method)(caller, request, std::move(done));
  } else {
    ((*cases_).*method)(caller, request, std::move(done));
  }
  return future.get().ok();
}

bool ErasureWorld::Submit(const CallerContext& caller,
                          const v1::SubjectRef& subject) {
  v1::SubmitRightsCaseRequest request;
  *request.mutable_subject() = subject;
  request.set_kind(v1::RIGHTS_KIND_ERASURE);
  auto [done, future] = Promised<absl::StatusOr<v1::RightsCase>>();
  cases_->Submit(caller, request, std::move(done));
  const auto opened = future.get();
  if (opened.ok()) case_ids_.push_back(opened->id());
  return opened.ok();
}

void ErasureWorld::Begin(bool joined) {
  // What an earlier history left undone is not to be swept in this one.
  store::Change clear;
  clear.apply = [](store::ChangeContext& context) -> absl::Status {
    for (const char* sql : {"DELETE FROM erasures", "DELETE FROM holds",
                            "DELETE FROM suppressed"}) {
      if (absl::Status status = context.connection()->Execute(sql);
          !status.ok()) {
        return status;
      }
    }
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return absl::OkStatus();
  };
  EXPECT_OK(committer()->CommitChangeAndWait(std::move(clear)).status);
  ids_.clear();
  numbers_.clear();
  generations_.clear();
  case_ids_.clear();
  holds_.clear();
  certificates_ = 0;
  Restart();
  restarted_ = false;
  for (int i = 0; i < (joined ? 2 : 1); ++i) {
    const std::string key = absl::StrCat("c", made_++);
    if (i == 0) email_ = key + "@example.com";
    ids_.push_back(Person(key));
    numbers_.push_back(Number(ids_.back()));
    generations_.push_back(
        keys().slots().Info(numbers_.back())->data_generation);
  }
  if (joined) Merge(ids_[0], ids_[1]);
  v1::SubjectRef subject;
  subject.set_id(ids_[0]);
  ASSERT_TRUE(Submit(Staff(kStaffA), subject));
  v1::VerifyRightsCaseRequest verify;
  verify.set_level(v1::VERIFICATION_LEVEL_LOGIN);
  verify.set_evidence_digest(std::string(64, 'a'));
  ASSERT_TRUE(DoCase(&rights::CaseDesk::Verify, Staff(kStaffA), 0, verify));
}

bool ErasureWorld::Place(const std::vector<std::string>& fields) {
  v1::PlaceLegalHoldRequest request;
  // On the other one of two who are joined.
  request.mutable_subject()->set_id(ids_.back());
  request.mutable_fields()->Assign(fields.begin(), fields.end());
  request.set_ground("GDPR Art. 17(3)(e)");
  request.set_document("matter 7");
  auto [done, future] = Promised<absl::StatusOr<v1::LegalHold>>();
  desk_.PlaceHold(AccessFixture::As("dpo"), request, std::move(done));
  const auto hold = future.get();
  if (hold.ok()) holds_.push_back({hold->id(), fields.empty()});
  return hold.ok();
}

bool ErasureWorld::Do(Act act) {
  switch (act) {
    case Act::kHoldAll:
      return Place({});
    case Act::kHoldName:
      return Place({kName});
    case Act::kApproveOwn:
      return DoCase(&rights::CaseDesk::Approve, Staff(kStaffA), 0,
                    v1::ApproveRightsCaseRequest());
    case Act::kRefuse: {
      v1::RefuseRightsCaseRequest request;
      request.set_ground("gdpr.12.5");
      return DoCase(&rights::CaseDesk::Refuse, Staff(kStaffA), 0, request);
    }
    case Act::kApprove:
      return DoCase(&rights::CaseDesk::Approve, Staff(kStaffB),
                    FirstIn(v1::RIGHTS_STATE_APPROVING),
                    v1::ApproveRightsCaseRequest());
    case Act::kComplete:
      return DoCase(&rights::CaseCompletion::Complete, Staff(kStaffB),
                    FirstIn(v1::RIGHTS_STATE_UNSPECIFIED),
                    v1::CompleteRightsCaseRequest());
    case Act::kLift: {
      if (holds_.empty()) return false;
      v1::LiftLegalHoldRequest request;
      request.set_id(holds_.back().id);
      request.set_reason_code("settled");
      auto [done, future] = Promised<absl::StatusOr<v1::LegalHold>>();
      desk_.LiftHold(AccessFixture::As("dpo"), request, std::move(done));
      return future.get().ok();
    }
    case Act::kCancel:
      return DoCase(&rights::CaseDesk::Cancel, Herself(),
                    FirstIn(v1::RIGHTS_STATE_UNSPECIFIED),
                    v1::CancelRightsCaseRequest());
    case Act::kAskAgain: {
      v1::SubjectRef subject;
      if (Number(ids_[0]) != 0) {
        subject.set_id(ids_[0]);
        CallerContext caller = Herself();
        caller.person->auth_time_us = clock().NowUs();
        return Submit(caller, subject);
      }
      // Nobody can log in as her any more.
      subject.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
      subject.mutable_identifier()->set_value(email_);
      return Submit(Staff(kStaffA), subject);
    }
    case Act::kWait:
      clock().AdvanceUs(kWaitUs + 1);
      return true;
    case Act::kSweep:
    case Act::kCrash:
      break;
  }
  ADD_FAILURE() << NameOf(act);
  return false;
}

bool ErasureWorld::MayRead(const std::string& id) {
  const auto read =
      Read(AccessFixture::As("shop"), Request(id, kServicePurpose, {kName}));
  return read.ok() && read->decision().effect() == v1::EFFECT_PERMIT;
}

int64_t ErasureWorld::Count(const std::string& sql, int64_t value) {
  auto query = reader_connection()->Prepare(sql);
  EXPECT_OK(query);
  query->Bind(value);
  const auto row = query->Step();
  EXPECT_TRUE(row.ok() && *row) << sql;
  return query->Int64(0);
}

Sight ErasureWorld::Look() {
  Sight sight;
  for (const std::string& id : case_ids_) {
    const rights::CaseRow row = ReadRow(id);
    sight.cases.push_back({static_cast<v1::RightsState>(row.doc.state()),
                           row.doc.approved_by().person(), row.subject != 0,
                           row.by_system});
  }
  std::vector<int64_t> erasures;
  {
    auto query = reader_connection()->Prepare(
        "SELECT erasure_id FROM erasures ORDER BY erasure_id");
    EXPECT_OK(query);
    while (*query->Step()) erasures.push_back(query->Int64(0));
  }
  for (const int64_t id : erasures) {
    const auto erasure =
        ReadErasure(reader_connection(), *keys().epochs().keys(), id);
    EXPECT_OK(erasure);
    const auto of_case =
        std::find(case_ids_.begin(), case_ids_.end(), erasure->job.case_id());
    Sight::Job job;
    if (of_case != case_ids_.end()) {
      job.of_case = static_cast<int>(of_case - case_ids_.begin());
    }
    job.state = erasure->state;
    const int64_t due_us = erasure->state == ErasureState::kKept
                               ? erasure->job.next_us()
                               : erasure->job.due_us();
    job.due = due_us <= clock().NowUs();
    job.certified = !erasure->job.certificate().empty();
    job.rest = absl::StrCat(
        erasure->job.entry_index() != 0 ? "told " : "",
        erasure->job.destroyed_us() != 0 ? "destroyed " : "",
        erasure->job.kept_size(), " kept ", erasure->job.failed_size(),
        " failed ", erasure->subject != 0 ? "hers" : "nobody's");
    for (const auto& member : erasure->job.members()) {
      absl::StrAppend(&job.rest, member.keeps() ? " keeps" : " goes");
    }
    sight.jobs.push_back(job);
  }
  for (size_t i = 0; i < ids_.size(); ++i) {
    Sight::Member member;
    const auto info = keys().slots().Info(numbers_[i]);
    EXPECT_OK(info);
    member.destroyed = info->state == crypto::SlotState::kDestroyed;
    if (!member.destroyed) {
      member.generations = info->data_generation - generations_[i];
      member.previous = info->previous_data_generation.has_value();
    }
    const auto subject = static_cast<int64_t>(numbers_[i]);
    member.records = Count(
        absl::StrCat("SELECT COUNT(*) FROM records WHERE record_no >= $1 AND "
                     "record_no <= ",
                     vault::RecordNumber(numbers_[i], vault::kMaxKindPosition,
                                         vault::kMaxRecordIndex)),
        vault::RecordNumber(numbers_[i], 0, 0));
    member.has_head =
        Count("SELECT COUNT(*) FROM subjects WHERE subject = $1", subject) != 0;
    if (member.has_head && !member.destroyed) {
      const store::v1::SubjectHead head = Head(numbers_[i]);
      member.erasing = head.erasing();
      member.erasure_held = head.erasure_held();
      member.restricted = head.restricted();
      member.legal_hold = head.legal_hold();
      member.erased = head.erased_us() != 0;
    }
    member.readable = MayRead(ids_[i]);
    sight.members.push_back(member);
  }
  for (const Held& hold : holds_) {
    auto query = reader_connection()->Prepare(
        "SELECT state FROM holds WHERE public_id = $1");
    EXPECT_OK(query);
    const auto id = crypto::ParseId(crypto::IdKind::kHold, hold.id);
    query->Bind(std::string_view(reinterpret_cast<const char*>(id->data()),
                                 id->size()));
    if (!*query->Step() || query->Int64(0) != 1) continue;
    (hold.all ? sight.hold_on_all : sight.hold_on_name) = true;
  }
  sight.suppressed =
      Count("SELECT COUNT(*) FROM suppressed WHERE version >= $1", 0);
  sight.certificates = certificates_;
  return sight;
}

void ErasureWorld::Restart() {
  eraser_ = std::make_unique<Eraser>(&parts_);
  cache().Clear();
  restarted_ = true;
}

absl::Status ErasureWorld::Sweep(
    std::function<void(std::string_view step)> on_step) {
  parts_.on_step = std::move(on_step);
  if (std::exchange(restarted_, false)) {
    if (absl::Status status = eraser_->Recover(); !status.ok()) return status;
  }
  return eraser_->Run();
}

}  // namespace consentry::erasure
