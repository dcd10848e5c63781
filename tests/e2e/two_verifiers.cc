#include "tests/e2e/two_verifiers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "tools/consentry/audit_offline.h"

namespace consentry::testing {
namespace {

constexpr char kPython[] = "/usr/bin/python3";

// The text behind "key": in a line of JSON, up to the next comma or bracket.
std::string After(const std::string& json, const std::string& key) {
  size_t at = json.find("\"" + key + "\":");
  if (at == std::string::npos) return "";
  at += key.size() + 3;
  while (at < json.size() && (json[at] == ' ' || json[at] == '"')) ++at;
  return json.substr(at, json.find_first_of("\",}]", at) - at);
}

std::string Summary(int code, const std::string& json) {
  std::string text = "exit " + std::to_string(code) + ", " +
                     After(json, "entries") + " entries, ok " +
                     After(json, "ok");
  if (json.find("\"fault\":") != std::string::npos) {
    text += ", " + After(json, "fault") + " " + After(json, "index");
  }
  return text;
}

}  // namespace

std::string OurVerdict(const std::string& folder, const std::string& vkey,
                       const std::string& checkpoint) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = tools::RunAuditVerify(
      {folder, vkey, checkpoint, /*json=*/true}, out, err);
  EXPECT_EQ(err.str(), "");
  return Summary(code, out.str());
}

bool HavePython() { return access(kPython, X_OK) == 0; }

std::string PythonsVerdict(const std::string& folder, const std::string& vkey,
                           const std::string& checkpoint) {
  std::string command = std::string(kPython) + " " + CONSENTRY_SOURCE_DIR +
                        "/tests/e2e/verify_log.py " + folder + " --key '" +
                        vkey + "'";
  if (!checkpoint.empty()) command += " --checkpoint " + checkpoint;
  FILE* const pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  if (pipe == nullptr) return "";
  std::string out;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    out.append(buffer, n);
  }
  const int status = pclose(pipe);
  return Summary(WIFEXITED(status) ? WEXITSTATUS(status) : -1, out);
}

std::string FaultOf(const std::string& verdict) {
  return verdict.substr(verdict.rfind(", ") + 2);
}

}  // namespace consentry::testing
