#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_NOTE_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_NOTE_H_

// What the signed note of a report is known by, to who signs and who verifies:
//
//   consentry fairness report v1
//   log shop.example/7f3a90c2
//   report fre_...
//   profile credit 3
//   from 2026-07-01T00:00:00Z
//   to 2026-10-01T00:00:00Z
//   registered 2026-10-01T00:10:00Z
//   digest sha256:<64 lower-case hexadecimal digits>
namespace consentry::policy::fairness {

// The first line: no origin of a log has a space, so no note of a report can be
// taken for a checkpoint, which the same key signs.
inline constexpr char kReportTitle[] = "consentry fairness report v1";
// Begins the line with the SHA-256 of the JSON file.
inline constexpr char kReportDigest[] = "digest sha256:";

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_NOTE_H_
