#include "gateway/server/doctor.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/log/reader.h"
#include "audit/verify/verify.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/clients/client_table.h"
#include "gateway/crypto/certificates.h"
#include "gateway/crypto/hardening.h"
#include "gateway/crypto/signing.h"
#include "gateway/server/config.h"
#include "gateway/server/doctor_upkeep.h"
#include "gateway/server/gateway.h"
#include "gateway/server/recovery.h"
#include "gateway/store/schema.h"
#include "gateway/store/sqlcipher/engine.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = kSecondUs * 24 * 3600;
constexpr int64_t kSoonUs = 30 * kDayUs;
constexpr size_t kRead = 1 << 20;
// A mebibyte of random bytes has more than 7.999 bits a byte; a page of text
// about 5. Files of few pages are judged by the text that they must not hold.
constexpr double kLeastEntropy = 7.9;
constexpr size_t kEntropyBytes = 64 << 10;

class Report {
 public:
  void Good(const char* check, std::string text) {
    Add(Health::kGood, check, std::move(text));
  }
  void Warn(const char* check, std::string text) {
    Add(Health::kWarning, check, std::move(text));
  }
  void Fail(const char* check, std::string text) {
    Add(Health::kFailure, check, std::move(text));
  }
  void Take(Finding finding) { findings_.push_back(std::move(finding)); }
  std::vector<Finding> Take() { return std::move(findings_); }

 private:
  void Add(Health health, const char* check, std::string text) {
    findings_.push_back({health, check, std::move(text)});
  }
  std::vector<Finding> findings_;
};

int64_t Device(const std::string& path) {
  struct stat state;
  return stat(path.c_str(), &state) == 0 ? static_cast<int64_t>(state.st_dev)
                                         : -1;
}

void CheckKeys(const Config& config, bool dev, Report* report) {
  const config::v1::Keys& keys = config.message.keys();
  const int64_t data = Device(config.message.storage().data_directory());
  const bool root_beside =
      keys.has_root_key_file() && Device(keys.root_key_file()) == data;
  const bool epochs_beside = Device(keys.epoch_file()) == data;
  if (root_beside && epochs_beside) {
    const std::string text =
        "root key, epoch file and data lie on one volume: who copies it has "
        "everything, and erased data lives on in its copies; move "
        "keys.root_key_file and keys.epoch_file to another volume, or use a "
        "systemd credential";
    if (dev) {
      report->Warn("keys", text);
    } else {
      report->Fail("keys", text);
    }
  } else {
    report->Good("keys",
                 "root key and epoch file are not both beside the data");
  }
  const std::string folder =
      std::filesystem::path(keys.epoch_file()).parent_path().string();
  switch (RecoveryStateIn(folder)) {
    case RecoveryState::kNone:
      report->Warn("keys",
                   "no recovery key was made: without it, lost keys are lost "
                   "data");
      break;
    case RecoveryState::kUnconfirmed:
      report->Warn("keys",
                   "nobody has typed the recovery key back: without it, lost "
                   "keys are lost data; run `consentry keys confirm`");
      break;
    case RecoveryState::kConfirmed:
      report->Good("keys", "the recovery key was typed back once");
      break;
  }
}

void CheckCertificate(const std::string& path, const std::string& name,
                      const std::string& way_out, int64_t now_us,
                      Report* report) {
  if (path.empty()) return;
  const auto pem = audit::ReadFile(audit::FileSystem::Posix(), path, kRead);
  if (!pem.ok()) return;  // Told by the configuration's check.
  const auto info = crypto::ParseCertificate(*pem);
  if (!info.ok()) return;
  const int64_t left = info->not_after_us - now_us;
  if (left <= 0) {
    report->Fail("certificates", name + " has ended; " + way_out);
  } else if (left < kSoonUs) {
    report->Warn("certificates", absl::StrCat(name, " ends in ", left / kDayUs,
                                              " days; ", way_out));
  } else {
    report->Good("certificates",
                 absl::StrCat(name, " is good for ", left / kDayUs, " days"));
  }
}

double EntropyOf(std::string_view bytes) {
  std::array<uint64_t, 256> counts{};
  for (const char c : bytes) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const uint64_t count : counts) {
    if (count == 0) continue;
    const double p =
        static_cast<double>(count) / static_cast<double>(bytes.size());
    bits -= p * std::log2(p);
  }
  return bits;
}

// Looks through one file for texts that it holds in sealed form, and measures
// its first part.
void CheckRaw(const std::string& path, const std::vector<std::string>& texts,
              Report* report) {
  const std::string name = std::filesystem::path(path).filename().string();
  const auto opened =
      audit::FileSystem::Posix()->Open(path, audit::FileSystem::Mode::kRead);
  if (!opened.ok()) return;
  size_t longest = 0;
  for (const std::string& text : texts)
    longest = std::max(longest, text.size());
  std::string window;
  std::string sample;
  uint64_t offset = 0;
  for (;;) {
    const auto bytes = (*opened)->ReadAt(offset, kRead);
    if (!bytes.ok() || bytes->empty()) break;
    offset += bytes->size();
    window += *bytes;
    if (sample.size() < kEntropyBytes) {
      sample += bytes->substr(0, kEntropyBytes - sample.size());
    }
    for (const std::string& text : texts) {
      if (window.find(text) != std::string::npos) {
        report->Fail("encryption",
                     name +
                         " holds text that must only lie there sealed; the "
                         "file is not encrypted");
        return;
      }
    }
    if (window.size() > longest) window.erase(0, window.size() - longest);
  }
  if (offset == 0) return;
  const double entropy = EntropyOf(sample);
  if (sample.size() >= kEntropyBytes && entropy < kLeastEntropy) {
    report->Fail("encryption",
                 name + " does not look random; it is not encrypted whole");
    return;
  }
  report->Good("encryption", absl::StrCat(name, ": ", offset,
                                          " bytes read, nothing in clear"));
}

// What renews a client's certificate.
std::string WayOut(const v1::Client& client) {
  const bool staff =
      client.role() == v1::ROLE_ADMIN || client.role() == v1::ROLE_COMPLIANCE;
  return staff ? "consentry renew" : "consentry client renew " + client.id();
}

// Opens the store as a reader beside whoever has it, and takes from it what its
// raw bytes must not show.
absl::Status CheckStore(const Config& config, int64_t now_us,
                        std::vector<std::string>* texts, Report* report) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto root,
                             LoadRootKey(config.message.keys()));
  const crypto::GuardedKey pages = root.Derive(crypto::KeyPurpose::kStorePages);
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto engine,
      store::OpenSqlcipher({.path = config.DataFile(kStoreFile)},
                           pages.view()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto reader, engine->ConnectReader());
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t version,
                             store::ReadSchemaVersion(reader.get()));
  report->Good("store", absl::StrCat("opens with its key; format ", version));
  for (Finding& finding : CheckUpkeep(config, reader.get(), now_us)) {
    report->Take(std::move(finding));
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto clients,
                             clients::ReadClients(reader.get()));
  for (const v1::Client& client : clients) {
    if (client.state() != v1::CLIENT_STATE_ACTIVE) continue;
    const int64_t left = client.expire_time().seconds() * kSecondUs - now_us;
    if (left < 0) {
      report->Warn("certificates",
                   absl::StrCat("client ", client.id(),
                                " has ended; run: ", WayOut(client)));
    } else if (left < kSoonUs) {
      report->Warn("certificates",
                   absl::StrCat("client ", client.id(), " ends in ",
                                left / kDayUs, " days; run: ", WayOut(client)));
    }
    // Short ids occur in random bytes by chance.
    if (client.public_key_hash().size() == 64) {
      texts->push_back(client.public_key_hash());
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto bundle,
                             clients::ReadNewestBundle(reader.get()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto policy,
      clients::ReadPolicy(reader.get(), bundle.policy_hash()));
  if (policy.purposes().size() > 200) {
    texts->push_back(policy.purposes().substr(100, 48));
  }
  return absl::OkStatus();
}

absl::Status CheckLog(const Config& config, int64_t now_us, Report* report) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto key,
      crypto::SigningKey::Load(config.message.keys().log_key_file()));
  const auto& bytes = key->public_key();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto verifier,
      audit::NoteVerifier::Create(
          config.message.storage().log_origin(),
          std::string_view(reinterpret_cast<const char*>(bytes.data()),
                           bytes.size())));
  const std::string folder = config.DataFile(kLogFolder);
  CONSENTRY_ASSIGN_OR_RETURN(const auto verified,
                             audit::Verify(audit::FileSystem::Posix(), folder,
                                           {.key = std::move(verifier),
                                            .checkpoint = std::nullopt,
                                            .progress = nullptr}));
  if (verified.ok()) {
    report->Good("log", absl::StrCat(verified.entries, " entries verify, ",
                                     verified.signed_size,
                                     " under a signed checkpoint"));
  } else {
    const audit::Finding& first = verified.findings.front();
    report->Fail(
        "log", absl::StrCat(verified.finding_count, " faults; the first: ",
                            std::string(audit::NameOf(first.fault)),
                            " at entry ", first.index, " (", first.where, ")"));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto reader,
      audit::LogReader::Open(audit::FileSystem::Posix(), folder));
  if (reader->size() == 0) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(const std::string last,
                             reader->Read(reader->size() - 1));
  store::v1::Leaf leaf;
  if (leaf.ParseFromString(last) && leaf.time_us() > now_us + 60 * kSecondUs) {
    report->Fail("clock",
                 "is behind the newest entry of the audit log; set it, or, "
                 "if it was ahead once and is right now, renew what has ended "
                 "since: consentry client renew");
  }
  return absl::OkStatus();
}

void CheckDisk(const Config& config, Report* report) {
  struct statvfs volume;
  const std::string& folder = config.message.storage().data_directory();
  if (statvfs(folder.c_str(), &volume) != 0 || volume.f_blocks == 0) {
    report->Warn("disk", "its size cannot be read");
    return;
  }
  const uint64_t used = 100 - volume.f_bavail * 100 / volume.f_blocks;
  const uint32_t mark = config.message.storage().disk_high_water_percent();
  const std::string text =
      absl::StrCat(used, " percent in use; reads stop at ", mark);
  if (used >= mark) {
    report->Fail("disk", text);
  } else if (used + 5 >= mark) {
    report->Warn("disk", text);
  } else {
    report->Good("disk", text);
  }
}

void CheckSender(const Config& config, bool dev, Report* report) {
  const config::v1::Sender& sender = config.message.sender();
  if (!config.message.has_sender()) {
    report->Warn("sender",
                 "none is configured: no code reaches a customer, no date and "
                 "no alarm the staff");
  } else if (sender.has_file_drop() && !dev) {
    report->Fail("sender", "file_drop works with --dev alone; use smtp");
  } else if (sender.staff_addresses().empty()) {
    report->Warn("sender",
                 "staff_addresses is empty: dates and alarms reach nobody");
  } else {
    report->Good("sender", "customers and staff can be written to");
  }
}

void CheckClock(Report* report) {
  timex state{};
  const int result = adjtimex(&state);
  if (result < 0 || (state.status & STA_UNSYNC) != 0) {
    report->Warn("clock",
                 "is not synchronised; consents and ends are judged by it");
  } else {
    report->Good("clock", "is synchronised");
  }
}

void CheckProcess(Report* report) {
  const crypto::HardeningReport hardening = crypto::HardenProcess();
  if (!hardening.core_dumps_off || !hardening.not_dumpable) {
    report->Warn("process", "core dumps cannot be switched off");
  }
  if (!hardening.memory_locking) {
    report->Warn("process", "memory cannot be locked; raise LimitMEMLOCK");
  }
  if (hardening.complete()) {
    report->Good("process", "no core dumps, keys in locked memory");
  }
}

}  // namespace

std::vector<Finding> RunDoctor(const DoctorOptions& options) {
  Report report;
  const auto config = LoadConfig(options.config, PackIds());
  if (!config.ok()) {
    report.Fail("configuration", std::string(config.status().message()));
    return report.Take();
  }
  const auto faults = CheckFiles(*config, options.now_us);
  for (const FieldViolation& fault : faults) {
    report.Fail("configuration", fault.field + ": " + fault.description);
  }
  if (faults.empty()) {
    report.Good("configuration", config->file + " is sound");
  }
  if (config->message.single_operator()) {
    report.Warn("configuration",
                absl::StrCat("single_operator: nobody else approves what one "
                             "person does; a wait of ",
                             config->message.approvals().wait_hours(),
                             " hours stands in"));
  }
  CheckKeys(*config, options.dev, &report);
  const config::v1::Tls& tls = config->message.tls();
  CheckCertificate(tls.certificate(), "the server's certificate",
                   "run: consentry renew", options.now_us, &report);
  CheckCertificate(tls.client_authorities(), "the clients' authority",
                   "replace it, and what it issued", options.now_us, &report);

  std::vector<std::string> texts = {"SQLite format 3"};
  if (const absl::Status store =
          CheckStore(*config, options.now_us, &texts, &report);
      !store.ok()) {
    report.Fail("store", absl::StrCat("cannot be read: ", store.message()));
  }
  for (const char* file : {kStoreFile, kTrailFile}) {
    for (const char* suffix : {"", "-wal"}) {
      CheckRaw(config->DataFile(file) + suffix, texts, &report);
    }
  }
  if (const absl::Status log = CheckLog(*config, options.now_us, &report);
      !log.ok()) {
    report.Fail("log", absl::StrCat("cannot be read: ", log.message()));
  }
  CheckSender(*config, options.dev, &report);
  CheckDisk(*config, &report);
  CheckClock(&report);
  CheckProcess(&report);
  return report.Take();
}

}  // namespace consentry::server
