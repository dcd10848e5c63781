#ifndef CONSENTRY_GATEWAY_SERVER_INITIALISE_H_
#define CONSENTRY_GATEWAY_SERVER_INITIALISE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace consentry::server {

// A system that delivers records, in the order of trust: the first wins where
// two disagree.
struct SourceChoice {
  std::string key;    // "crm"; [a-z][a-z0-9_]{0,31}.
  std::string title;  // Empty: the key.
};

// The answers to the five questions of `init`: countries, sources, purposes,
// where, who.
struct InitialiseOptions {
  // Must not exist yet, or be empty.
  std::string folder;

  // ISO 3166-1 alpha-2, or with 3166-2 subdivision. Required.
  std::string home;
  // Where the business addresses people; home is always one of them.
  std::vector<std::string> markets;
  // Thresholds that the business meets, such as "us-ca.business".
  std::vector<std::string> thresholds;
  // Empty: those of the sample catalog.
  std::vector<SourceChoice> sources;
  // Keys of the sample purposes; those that law always asks for stay anyway.
  // Empty: all.
  std::vector<std::string> purposes;
  // Empty: 127.0.0.1:50051.
  std::string address;
  // Names and addresses in the server's certificate beside those of this
  // machine.
  std::vector<std::string> host_names;
  std::string name;
  std::string contact;
  std::string dpo_contact;
  bool single_operator = true;
  // A registration for staff who look at what machines decided ("reviewer").
  bool reviewer = false;

  // Called once with the recovery key, to be shown and kept nowhere.
  std::function<void(std::string_view)> show_recovery_key = nullptr;
};

struct InitialiseResult {
  std::string config_file;
  std::string address;
  // C2SP verifier key of the audit log: to be kept outside of this machine.
  std::string verifier_key;
};

// Makes a folder from which a gateway serves at once: keys, key slots, store,
// log, an authority of its own with a server's certificate and one for each of
// an administrator ("operator") and a compliance officer ("compliance"), unless
// one person holds all powers also one of a data protection officer ("dpo") who
// approves what the administrator proposes, where asked for one of reviewers
// ("reviewer"), and a commented configuration with catalog and purposes. The
// registrations have their entry in the new log.
//
// The folder appears whole or not at all. AlreadyExists; CONFIG_INVALID for
// answers that no policy can be made of; errors of the file system.
absl::StatusOr<InitialiseResult> Initialise(const InitialiseOptions& options);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_INITIALISE_H_
