#include "gateway/server/config_text.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace consentry::server {
namespace {

// A file of protobuf text cut at its top-level blocks: "name {" at the start of
// a line to "}" at the start of a line. `name` is empty for what is between.
struct Block {
  std::string name;
  std::string text;
};

std::vector<Block> Split(std::string_view text) {
  std::vector<Block> blocks(1);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line =
        text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(line.size());
    const size_t open = line.find(" {\n");
    const bool begins = open != std::string_view::npos && open > 0 &&
                        line[0] >= 'a' && line[0] <= 'z';
    if (begins && blocks.back().name.empty()) {
      blocks.push_back({std::string(line.substr(0, open)), ""});
    }
    blocks.back().text.append(line);
    if (line.substr(0, 1) == "}" && !blocks.back().name.empty()) {
      blocks.emplace_back();
    }
  }
  return blocks;
}

// The value of the block's own `key`.
std::string KeyOf(const Block& block) {
  constexpr std::string_view kKey = "\n  key: \"";
  const size_t at = block.text.find(kKey);
  if (at == std::string::npos) return "";
  const size_t from = at + kKey.size();
  return block.text.substr(from, block.text.find('"', from) - from);
}

void SetPriority(std::string* block, size_t priority) {
  constexpr std::string_view kLine = "\n  priority: ";
  const std::string line = absl::StrCat("\n  priority: ", priority);
  const size_t at = block->find(kLine);
  if (at == std::string::npos) return;
  block->replace(at, block->find('\n', at + 1) - at, line);
}

std::string Repeat(const char* field, const std::vector<std::string>& values) {
  std::string lines;
  for (const std::string& value : values) {
    absl::StrAppend(&lines, "  ", field, ": ", Quote(value), "\n");
  }
  return lines;
}

constexpr char kConfig[] =
    R"(# How this gateway runs. Read once at start: `consentry serve` takes up changes.
# Relative paths are relative to this file's folder.
format: 1

# Who the business is: it decides which laws attach.
controller {
  # Where it sits, ISO 3166-1 alpha-2 or 3166-2.
  home: $HOME
$ESTABLISHMENTS  # Places whose people it addresses. Assumed for customers whose residence is
  # unknown.
$MARKETS$THRESHOLDS  # For notices and answers to customers.
  name: $NAME
  contact: $CONTACT
}
# Where customers reach the data protection officer; empty: there is none.
dpo_contact: $DPO
# Where one-click unsubscribe links lead: an https address of yours, to which the
# token is appended, such as "https://shop.example/unsubscribe?t=". Empty: no
# links are made.
unsubscribe_url: ""

listener {
  # An address that is not loopback needs open_to_network: true as well.
  address: $ADDRESS
$OPEN  # gRPC reflection, for development.
  reflection: false
}

# TLS 1.3, and a client certificate from every caller.
tls {
  certificate: "tls/server.pem"
  private_key: "tls/server.key"
  # Authorities whose client certificates are let in. What each client may do
  # is in its registration: `consentry client list`.
  client_authorities: "tls/authority.pem"
  # The gateway's own authority, which issues certificates for
  # `consentry client add`. Leave both out where you have one of your own.
  authority_certificate: "tls/authority.pem"
  authority_key: "tls/authority.key"
}

storage {
  data_directory: "data"
  # The audit log's name in its checkpoints. Never changes.
  log_origin: $ORIGIN
  # Reads stop above this; withdrawals and erasures go on.
  disk_high_water_percent: 95
}

# Keys lie beside the data here so that the gateway serves at once. Before real
# use move root key and epoch file to another volume that no backup of the data
# contains; `consentry doctor` fails until then.
keys {
  root_key_file: "keys/root.key"
  epoch_file: "keys/epochs.key"
  log_key_file: "keys/log.key"
  # Days between rotations of the keys that wrap all others; 0: by hand alone,
  # with `consentry keys rotate`.
  rotate_every_days: 0
}

# What you hold, what you use it for, and your own stricter rules: what a new
# gateway starts with. `consentry policy diff` says what an edit would change,
# `consentry policy apply` puts it into force, with an entry in the audit log.
policy {
  catalog: "catalog.txtpb"
  purposes: "purposes.txtpb"
  owner_pack: "owner.txtpb"
  # Legal packs by id; none named: all that come with the program.
  # packs: "eu-gdpr"
}

# Figures in the Prometheus text format, written anew every few seconds, for
# node_exporter's textfile collector; empty: none.
metrics { file: "" }

# Backups of data, keys and log, each in a folder of its own, best on volumes
# that nobody copies together; `consentry backup` makes one at once. Backups of
# keys open with the recovery key alone and are removed after a week: so long an
# erasure is not final against them.
# backup {
#   data_directory: "/mnt/backup-data/consentry"
#   keys_directory: "/mnt/backup-keys/consentry"
#   log_directory: "/mnt/backup-data/consentry-log"
#   every_hours: 24
#   keep_data_days: 35
#   keep_keys_days: 7
# }

# Values past their time are removed once a day.
retention { every_hours: 24 }

# The operating log; no file: standard error.
log { file: "" }

# 0: the default.
limits {
  max_connection_age_seconds: 0
  max_concurrent_calls: 0
  call_memory_mib: 0
  max_call_ms: 0
  stop_grace_ms: 0
}

# How customers and staff are written to: codes, progress, dates, alarms; never a
# value. Without it nobody is, and what needs it is refused.
# sender {
#   from_address: "privacy@shop.example"
#   from_name: "Shop"
#   # The password alone in a file of mode 0600. PLAIN only on this machine.
#   smtp {
#     host: "mail.shop.example"
#     security: STARTTLS
#     user: "shop"
#     password_file: "keys/mail.password"
#   }
#   staff_addresses: "dpo@shop.example"
#   staff_language: "en"
# }

# Systems that keep customers' data learn of withdrawals, rectifications and
# erasures by webhook, stream or staff, as their registration says (notify).
# delivery {
#   # Private networks of yours that webhooks may reach.
#   allow_networks: "10.1.2.0/24"
#   give_up_days: 3
#   task_days: 14
#   watch_days: 90
# }

# One person holds all powers. What gives power to anybody (a registration, a
# policy, a lifted suspension) then takes effect a day after it was proposed, and
# status, doctor and reports say so. Otherwise another person approves it:
# `consentry proposals`. What takes power away takes effect at once.
single_operator: $SINGLE
approvals {
  # Hours after `consentry init` in which nothing waits, 0 to 72.
  setup_hours: 24
  # Hours that a proposal waits where one person holds all powers, from 24.
  wait_hours: 24
}

# Tokens of people beside the certificates of systems (OpenID Connect). None:
# nobody may carry one.
# identity {
#   issuers {
#     issuer: "https://login.shop.example"
#     audience: "consentry"
#     algorithms: [ RS256, ES256 ]
#     jwks_url: "https://login.shop.example/keys"
#     # Staff, by what their tokens say; customers: true instead for a provider
#     # of customers, whom LinkLogin links one by one.
#     roles { group: "privacy" roles: [ COMPLIANCE ] }
#     roles { email: "dpo@shop.example" roles: [ DPO ] }
#   }
# }
)";

constexpr char kOwnerPack[] =
    R"(# Your own rules. They can only tighten what the law allows: forbid, shorten,
# coarsen. policy/packs/REFERENCE.md shows how; `consentry policy lint` checks this
# file.
id: "owner"
kind: OWNER
title: "Own rules"
version: "1"
)";

}  // namespace

std::string Quote(std::string_view text) {
  return absl::StrCat(
      "\"", absl::Utf8SafeCEscape(absl::string_view(text.data(), text.size())),
      "\"");
}

std::string ConfigText(const InitialiseOptions& options,
                       std::string_view log_origin) {
  std::vector<std::string> markets = options.markets;
  if (std::find(markets.begin(), markets.end(), options.home) ==
      markets.end()) {
    markets.insert(markets.begin(), options.home);
  }
  const std::string address =
      options.address.empty() ? "127.0.0.1:50051" : options.address;
  const bool loopback = address.rfind("127.", 0) == 0 ||
                        address.rfind("localhost:", 0) == 0 ||
                        address.rfind("[::1]:", 0) == 0;
  return absl::StrReplaceAll(
      kConfig, {{"$HOME", Quote(options.home)},
                {"$ESTABLISHMENTS", Repeat("establishments", {options.home})},
                {"$MARKETS", Repeat("markets", markets)},
                {"$THRESHOLDS", Repeat("thresholds", options.thresholds)},
                {"$NAME", Quote(options.name)},
                {"$CONTACT", Quote(options.contact)},
                {"$DPO", Quote(options.dpo_contact)},
                {"$ADDRESS", Quote(address)},
                {"$OPEN", loopback ? "" : "  open_to_network: true\n"},
                {"$ORIGIN", Quote(log_origin)},
                {"$SINGLE", options.single_operator ? "true" : "false"}});
}

std::string OwnerPackText() { return kOwnerPack; }

std::string WithSources(std::string_view catalog,
                        const std::vector<SourceChoice>& sources) {
  if (sources.empty()) return std::string(catalog);
  std::string text;
  std::vector<Block> known;
  for (Block& block : Split(catalog)) {
    if (block.name == "sources") {
      known.push_back(std::move(block));
    } else {
      text += block.text;
    }
  }
  size_t priority = 100 * sources.size();
  for (const SourceChoice& source : sources) {
    const auto found = std::find_if(
        known.begin(), known.end(),
        [&](const Block& block) { return KeyOf(block) == source.key; });
    std::string block =
        found != known.end()
            ? found->text
            : absl::StrCat(
                  "sources {\n  key: ", Quote(source.key), "\n  title: ",
                  Quote(source.title.empty() ? source.key : source.title),
                  "\n  priority: 0\n}\n");
    SetPriority(&block, std::min<size_t>(priority, 1000));
    priority -= 100;
    text += block;
  }
  return text;
}

std::string WithPurposes(std::string_view purposes,
                         const std::function<bool(std::string_view)>& keep) {
  std::string text;
  for (const Block& block : Split(purposes)) {
    if (block.name != "purposes" || keep(KeyOf(block))) text += block.text;
  }
  return text;
}

}  // namespace consentry::server
