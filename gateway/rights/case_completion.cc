#include "gateway/rights/case_completion.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/access/rights_grant.h"
#include "gateway/access/subject_export.h"
#include "gateway/clients/person.h"
#include "gateway/rights/case_law.h"
#include "gateway/rights/letter.h"
#include "gateway/rights/report_build.h"
#include "gateway/rights/report_formats.h"
#include "gateway/rights/report_rows.h"
#include "gateway/vault/profile.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

using clients::CallerContext;
using store::v1::RightsCaseDoc;

// Fields that one entry names.
constexpr int kMaxLeafFields = 64;
constexpr size_t kEntriesPerStep = 512;
constexpr std::chrono::milliseconds kIndexWait{5000};
constexpr int64_t kMaxCases = 200;

absl::Status NoCase() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no case has this id");
}
absl::Status WrongState() {
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "the case is not in a state that allows it");
}

absl::StatusOr<CaseRow> ReadCase(const CaseDesk& desk,
                                 store::Connection* connection,
                                 const CallerContext& caller,
                                 const std::string& id) {
  const auto parsed = crypto::ParseId(crypto::IdKind::kRightsRequest, id);
  if (!parsed.ok()) return NoCase();
  CONSENTRY_ASSIGN_OR_RETURN(CaseRow row,
                             desk.rows().Read(connection, *parsed));
  CONSENTRY_RETURN_IF_ERROR(desk.MaySee(caller, row));
  return row;
}

bool IsRefused(const RightsCaseDoc& doc, const std::string& target) {
  return std::any_of(
      doc.outcomes().begin(), doc.outcomes().end(), [&](const auto& outcome) {
        return (outcome.target() == target || outcome.target() == "*") &&
               outcome.disposition() != v1::RIGHTS_DISPOSITION_GRANTED;
      });
}

// An objection that was outweighed stands no longer.
void LiftRefused(CaseDesk::Step* step) {
  RightsCaseDoc& doc = step->row.doc;
  if (doc.kind() != v1::RIGHTS_KIND_OBJECTION || step->head == nullptr) return;
  std::vector<std::string> asked(doc.purposes().begin(), doc.purposes().end());
  if (asked.empty()) asked.push_back("*");
  auto* objections = step->head->head().mutable_objections();
  for (const std::string& target : asked) {
    // Marketing is never outweighed (Art. 21(3)).
    const bool marketing = std::find(doc.stopped().begin(), doc.stopped().end(),
                                     target) != doc.stopped().end();
    if (marketing || !IsRefused(doc, target)) continue;
    for (int i = objections->size() - 1; i >= 0; --i) {
      if (objections->Get(i) == target) objections->DeleteSubrange(i, 1);
    }
    step->changes.push_back(absl::StrCat("objection.", target, "=lifted"));
  }
}

}  // namespace

absl::StatusOr<store::v1::AccessReport> CaseCompletion::MakeReport(
    const CaseRow& row, const v1::CompleteRightsCaseRequest& request,
    store::v1::Leaf* leaf, std::vector<store::SubjectVersion>* subjects) {
  const auto& desk = options_.desk->options();
  const auto configuration = options_.parts.configuration();
  const policy::Bundle& bundle = configuration->bundle();
  const int64_t now_us = options_.parts.committer->NowUs();
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::Grant grant,
                             access::RightsGrant(bundle));
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(const access::SubjectExport data,
                             access::ExportSubject(*desk.subjects, lease.get(),
                                                   bundle, row.subject, grant));
  // The entry: whose, under which purpose, which fields.
  access::AnswerEntry entry;
  std::vector<uint64_t> numbers;
  for (const auto& member : data.members) {
    entry.Tell(member.get(), desk.log_origin, now_us);
    numbers.push_back(member->subject());
  }
  leaf->set_purpose(std::string(grant.purpose()));
  leaf->add_details("case=" + row.doc.id());
  std::set<std::string> fields;
  for (const auto& record : data.records) {
    for (const auto& value : record.values) {
      fields.insert(bundle.field_name(value.field));
    }
  }
  for (const std::string& field : fields) {
    if (leaf->fields_size() < kMaxLeafFields) leaf->add_fields(field);
  }
  const uint64_t released = leaf->fields_size() == kMaxLeafFields
                                ? ~uint64_t{0}
                                : (uint64_t{1} << leaf->fields_size()) - 1;
  for (const auto& subject : entry.leaf.subjects()) {
    store::v1::LeafSubject* told = leaf->add_subjects();
    *told = subject;
    told->set_effect(v1::EFFECT_PERMIT);
    told->set_released(released);
  }
  *subjects = std::move(entry.subjects);

  ReportInput input;
  input.configuration = configuration.get();
  input.doc = &row.doc;
  input.data = &data;
  input.now_us = now_us;
  input.others_checked = {request.others_checked().begin(),
                          request.others_checked().end()};
  for (const auto& [at, text] : request.redactions()) {
    input.redactions[at] = text;
  }
  if (options_.is_suppressed) {
    for (const auto& held : data.identifiers) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const bool suppressed,
          options_.is_suppressed(lease.get(), held.identifier));
      input.suppressed = input.suppressed || suppressed;
    }
  }
  CaseFilter filter;
  filter.subject = row.subject;
  CasePlace last;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto cases,
      options_.desk->rows().List(lease.get(), filter, {}, kMaxCases, &last));
  for (CaseRow& one : cases) input.cases.push_back(std::move(one.doc));
  store::v1::AccessReport report = BuildReport(input);
  if (row.doc.kind() == v1::RIGHTS_KIND_PORTABILITY) return report;
  if (options_.add_outputs) {
    CONSENTRY_RETURN_IF_ERROR(
        options_.add_outputs(lease.get(), grant, data.members, &report));
  }

  if (options_.log_size &&
      !options_.trail->WaitUntilIndexed(options_.log_size(), kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  ConsultationList consultations(configuration.get(), &report);
  for (uint64_t below = UINT64_MAX; below > 0;) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto page,
        options_.trail->Find(numbers, {}, below, kEntriesPerStep));
    for (const auto& hit : page.hits) consultations.Add(hit.leaf, hit.items);
    below = page.next;
  }
  consultations.Finish();
  return report;
}

absl::Status CaseCompletion::Correct(const CallerContext& caller,
                                     const CaseRow& row) {
  const auto& desk = options_.desk->options();
  const auto configuration = options_.parts.configuration();
  const policy::Bundle& bundle = configuration->bundle();
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::Grant grant,
                             access::RightsGrant(bundle));
  store::v1::CaseWords words;
  access::SubjectExport data;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.readers->Acquire());
    CaseRow asked = row;
    // An appeal is about what was asked for first.
    if (!row.doc.appeals().empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const crypto::ObjectId first,
          crypto::ParseId(crypto::IdKind::kRightsRequest, row.doc.appeals()));
      CONSENTRY_ASSIGN_OR_RETURN(
          asked, options_.desk->rows().Read(lease.get(), first));
    }
    CONSENTRY_ASSIGN_OR_RETURN(words,
                               options_.desk->rows().OpenWords(grant, asked));
    CONSENTRY_ASSIGN_OR_RETURN(
        data, access::ExportSubject(*desk.subjects, lease.get(), bundle,
                                    row.subject, grant));
  }
  // One record of hers for each kind: what she corrected before stays.
  std::map<std::string, v1::WriteRecordRequest> writes;
  for (const auto& [name, value] : words.corrections()) {
    if (IsRefused(row.doc, name)) continue;
    const auto field = bundle.FindField(name);
    if (!field) continue;
    const std::string& kind = bundle.kind(bundle.kind_of(*field)).key();
    (*writes[kind].mutable_values())[bundle.field(*field).key()] = value;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto catalog,
                             vault::CatalogIndex::Build(bundle.catalog()));
  for (auto& [kind, write] : writes) {
    for (const access::ExportedRecord& held : data.records) {
      if (held.kind != kind || held.source != vault::kSubjectSource) continue;
      for (const access::ExportedValue& value : held.values) {
        // Keeps what stands there already.
        write.mutable_values()->insert(
            {bundle.field(value.field).key(), value.value});
      }
    }
    write.set_kind(kind);
    write.set_source(std::string(vault::kSubjectSource));
    write.set_source_key(data.members[0]->head().public_id());
    write.add_subjects()->set_id(data.members[0]->head().public_id());
    write.set_purpose(std::string(grant.purpose()));
    vault::WriteContext context;
    context.catalog = catalog;
    context.source = write.source();
    context.purpose = write.purpose();
    context.may_write_legal_facts = true;
    context.now_us = options_.parts.committer->NowUs();
    context.leaf = clients::LeafOf(*configuration, caller, context.now_us);
    context.leaf.set_event("rights.correct");
    context.leaf.set_purpose(write.purpose());
    context.leaf.add_details("case=" + row.doc.id());
    CONSENTRY_RETURN_IF_ERROR(
        options_.writer->WriteRecord(write, std::move(context), std::nullopt)
            .status());
  }
  return absl::OkStatus();
}

void CaseCompletion::Commit(
    const CallerContext& caller, const v1::CompleteRightsCaseRequest& request,
    std::shared_ptr<const store::v1::AccessReport> report,
    CaseDesk::Done done) {
  CaseDesk::Plan plan = CaseDesk::PlanOf(caller, request);
  plan.step = [this, caller, report](store::ChangeContext& context,
                                     CaseDesk::Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    if (report != nullptr) {
      if (step->head == nullptr) return WrongState();
      for (const auto& withheld : report->withheld()) {
        if (IsRefused(doc, withheld.field())) continue;
        store::v1::CaseOutcome* outcome = doc.add_outcomes();
        outcome->set_target(withheld.field());
        outcome->set_disposition(v1::RIGHTS_DISPOSITION_REFUSED);
        outcome->set_ground(withheld.ground());
      }
    }
    policy::CaseStanding standing = StandingOf(doc);
    // What a regime forbids to hand out is no decision of anybody's.
    if (report != nullptr) standing.approved = true;
    const auto next = policy::After(standing, policy::CaseAction::kComplete);
    if (!next) return WrongState();
    CONSENTRY_RETURN_IF_ERROR(
        RemoveOldReports(context.connection(), context.now_us()));
    if (report != nullptr) {
      CONSENTRY_RETURN_IF_ERROR(SaveReport(context.connection(),
                                           step->head->keys(), *report,
                                           context.now_us(), &step->row));
    }
    LiftRefused(step);
    const auto& tell = options_.desk->options().outgoing.tell_recipients;
    if (doc.kind() == v1::RIGHTS_KIND_RECTIFICATION && tell &&
        *next != v1::RIGHTS_STATE_REFUSED && step->row.subject != 0) {
      CONSENTRY_RETURN_IF_ERROR(
          tell(context, step->row.subject, "rectification",
               {doc.fields().begin(), doc.fields().end()}));
    }
    CaseDesk::Note(caller, context.now_us(), "completed", "", &doc);
    options_.desk->Close(context, *next, step);
    options_.desk->Tell(context, caller, "rights.answer_ready", {}, &step->row);
    return absl::OkStatus();
  };
  options_.desk->Change(std::move(plan), std::move(done));
}

void CaseCompletion::CompleteNow(const CallerContext& caller,
                                 const v1::CompleteRightsCaseRequest& request,
                                 CaseRow row, CaseDesk::Done done) {
  const auto kind = static_cast<v1::RightsKind>(row.doc.kind());
  policy::CaseStanding standing = StandingOf(row.doc);
  const bool reports =
      policy::HasReport(kind) && row.subject != 0 && !standing.refuses_all;
  if (!policy::After(standing, policy::CaseAction::kComplete)) {
    done(WrongState());
    return;
  }
  if (!row.doc.review_id().empty() && !standing.refuses_all) {
    done(MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "the decision of its review answers the case"));
    return;
  }
  if (kind == v1::RIGHTS_KIND_RECTIFICATION && row.subject != 0 &&
      !standing.refuses_all) {
    if (absl::Status status = Correct(caller, row); !status.ok()) {
      done(std::move(status));
      return;
    }
  }
  if (!reports) {
    Commit(caller, request, nullptr, std::move(done));
    return;
  }
  store::ReadCommit commit;
  commit.as_of_change = options_.parts.committer->LastStored();
  const auto configuration = options_.parts.configuration();
  commit.configuration_epoch = configuration->epoch();
  commit.decided_at_us = options_.parts.committer->NowUs();
  store::v1::Leaf leaf =
      clients::LeafOf(*configuration, caller, commit.decided_at_us);
  leaf.set_event("rights.report");
  auto made = MakeReport(row, request, &leaf, &commit.subjects);
  if (!made.ok()) {
    done(made.status());
    return;
  }
  auto report =
      std::make_shared<const store::v1::AccessReport>(*std::move(made));
  commit.entry = leaf.SerializeAsString();
  auto kept = std::make_shared<CaseDesk::Done>(std::move(done));
  // On the committer's thread: only hands on.
  options_.parts.committer->CommitRead(
      std::move(commit),
      [this, caller, request, report, kept](store::ReadOutcome outcome) {
        switch (outcome.kind) {
          case store::ReadOutcome::Kind::kFailed:
            (*kept)(std::move(outcome.status));
            return;
          case store::ReadOutcome::Kind::kStale:
            (*kept)(MakeError(v1::ERROR_REASON_CONTENDED,
                              "her data changed while the report was made; "
                              "repeat the call"));
            return;
          case store::ReadOutcome::Kind::kCommitted:
            break;
        }
        Commit(caller, request, report, std::move(*kept));
      });
}

void CaseCompletion::Complete(const CallerContext& caller,
                              const v1::CompleteRightsCaseRequest& request,
                              CaseDesk::Done done) {
  auto kept = std::make_shared<CaseDesk::Done>(std::move(done));
  const bool taken =
      options_.parts.workers->TrySubmit([this, caller, request, kept] {
        const auto read = [&]() -> absl::StatusOr<CaseRow> {
          CONSENTRY_ASSIGN_OR_RETURN(
              auto lease, options_.desk->options().readers->Acquire());
          return ReadCase(*options_.desk, lease.get(), caller, request.id());
        }();
        if (!read.ok()) {
          (*kept)(read.status());
          return;
        }
        // A repetition finds the case answered; the change answers it again.
        if (!policy::IsOpen(static_cast<v1::RightsState>(read->doc.state())) &&
            !request.request_id().empty()) {
          Commit(caller, request, nullptr, std::move(*kept));
          return;
        }
        if (!request.etag().empty() &&
            request.etag() != std::to_string(read->doc.version())) {
          (*kept)(MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                            "the case changed; read it again"));
          return;
        }
        CompleteNow(caller, request, *read, std::move(*kept));
      });
  if (!taken) {
    (*kept)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                      "too much is waiting; try again"));
  }
}

void CaseCompletion::Download(access::Caller caller,
                              const v1::DownloadReportRequest& request,
                              access::Done<std::string> done) {
  access::AnswerAudited<std::string>(
      options_.parts, caller,
      [this, caller,
       request](access::AnswerEntry* entry) -> absl::StatusOr<std::string> {
        const auto& desk = options_.desk->options();
        const auto configuration = options_.parts.configuration();
        const int64_t now_us = options_.parts.committer->NowUs();
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(
            const CaseRow row,
            ReadCase(*options_.desk, lease.get(), caller, request.id()));
        entry->leaf.add_details("case=" + row.doc.id());
        entry->leaf.add_details(absl::StrCat("format=", request.format()));
        if (row.subject != 0) {
          const auto head =
              desk.subjects->ReadHead(lease.get(), row.subject, {});
          entry->Tell(head.ok() ? head->get() : nullptr, desk.log_origin,
                      now_us);
        }
        if (request.format() == v1::REPORT_FORMAT_LETTER) {
          return LetterOf(configuration->bundle(), row.doc, now_us);
        }
        if (caller.IsCustomer()) {
          CONSENTRY_RETURN_IF_ERROR(
              clients::CheckFreshLogin(*caller.person, now_us));
        }
        CONSENTRY_ASSIGN_OR_RETURN(
            const crypto::Grant grant,
            access::RightsGrant(configuration->bundle()));
        entry->leaf.set_purpose(std::string(grant.purpose()));
        CONSENTRY_ASSIGN_OR_RETURN(
            const store::v1::AccessReport report,
            OpenReport(lease.get(), *desk.slots, grant, row, now_us));
        switch (request.format()) {
          case v1::REPORT_FORMAT_JSON:
            return ReportJson(report);
          case v1::REPORT_FORMAT_CSV:
            return ReportZip(report);
          default:
            return ReportHtml(report);
        }
      },
      std::move(done));
}

}  // namespace consentry::rights
