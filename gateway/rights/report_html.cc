#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "gateway/rights/letter_texts.h"
#include "gateway/rights/report_formats.h"
#include "proto/support/html.h"

namespace consentry::rights {
namespace {

using store::v1::AccessReport;

// Columns of a table that stand beside one another.
constexpr int kMostBeside = 6;

// The words of the page in one language.
class Words {
 public:
  explicit Words(std::string_view language) : language_(language) {}
  std::string operator()(std::string_view key) const {
    return HtmlText(LetterTexts::Shipped().Phrase(key, language_));
  }

 private:
  const std::string language_;
};

void Row(const std::vector<std::string>& cells, const char* tag,
         std::string* html) {
  html->append("<tr>");
  for (const std::string& cell : cells) {
    absl::StrAppend(html, "<", tag, ">", HtmlText(cell), "</", tag, ">");
  }
  html->append("</tr>\n");
}

void Begin(const std::vector<std::string>& header, std::string* html) {
  html->append("<div class=\"scroll\"><table>\n<thead>");
  html->append("<tr>");
  for (const std::string& cell : header) {
    absl::StrAppend(html, "<th scope=\"col\">", cell, "</th>");
  }
  html->append("</tr></thead>\n<tbody>\n");
}
void End(std::string* html) { html->append("</tbody></table></div>\n"); }

std::string Day(const std::string& time) { return time.substr(0, 10); }

// A time to the minute; midnight stands for a day without a time.
std::string Moment(const std::string& time) {
  if (time.size() < 16 || time.substr(11, 5) == "00:00") return Day(time);
  return absl::StrCat(Day(time), " ", time.substr(11, 5));
}

template <class Strings>
std::string List(const Strings& strings) {
  return absl::StrJoin(strings, ", ");
}

void Heading(const std::string& text, std::string* html) {
  absl::StrAppend(html, "<h2>", text, "</h2>\n");
}

// Fields as people call them: "Order: Total" for "order.total".
class FieldTitles {
 public:
  explicit FieldTitles(const AccessReport& report) {
    for (const auto& table : report.tables()) {
      for (const auto& column : table.columns()) {
        titles_[absl::StrCat(table.kind(), ".", column.key())] =
            absl::StrCat(table.title(), ": ", column.title());
      }
    }
    for (const auto& held : report.withheld()) withheld_.insert(held.field());
  }

  std::string Of(const std::string& field) const {
    const auto found = titles_.find(field);
    return found == titles_.end() ? field : found->second;
  }

  template <class Strings>
  std::string ListOf(const Strings& fields) const {
    return absl::StrJoin(fields, ", ",
                         [this](std::string* out, const std::string& field) {
                           out->append(Of(field));
                         });
  }

  bool Withheld(const std::string& field) const {
    return withheld_.contains(field);
  }

 private:
  std::map<std::string, std::string> titles_;
  std::set<std::string> withheld_;
};

// What stands in the cell of a column; empty: nothing is held there.
std::string CellOf(const store::v1::ReportTable& table,
                   const store::v1::ReportColumn& column,
                   const store::v1::ReportRecord& record,
                   const FieldTitles& titles, const Words& say) {
  const auto found = record.values().find(column.key());
  if (found != record.values().end()) {
    return HtmlText(column.type() == "timestamp" ? Moment(found->second)
                                                 : found->second);
  }
  if (!titles.Withheld(absl::StrCat(table.kind(), ".", column.key()))) {
    return "";
  }
  return absl::StrCat("<span class=\"held\">", say("not_shown"), "</span>");
}

std::string KeptFor(const store::v1::ReportColumn& column, const Words& say) {
  const uint32_t months = column.retention_months();
  const bool years = months >= 24 && months % 12 == 0;
  std::string text = absl::StrCat(years ? months / 12 : months, " ",
                                  say(years ? "years" : "months"));
  if (!column.kept_by().empty()) {
    absl::StrAppend(&text, " (", HtmlText(List(column.kept_by())), ")");
  }
  return text;
}

// One record of many fields, one below the other: side by side they would fit
// on no screen.
void Upright(const store::v1::ReportTable& table,
             const store::v1::ReportRecord& record, const FieldTitles& titles,
             const Words& say, std::string* html) {
  Begin({say("field"), say("value")}, html);
  const auto line = [html](const std::string& name, const std::string& value) {
    absl::StrAppend(html, "<tr><th scope=\"row\">", name, "</th><td>", value,
                    "</td></tr>\n");
  };
  for (const auto& column : table.columns()) {
    const std::string cell = CellOf(table, column, record, titles, say);
    if (!cell.empty()) line(HtmlText(column.title()), cell);
  }
  line(say("source"), HtmlText(record.source()));
  line(say("collected"), HtmlText(Day(record.collected_at())));
  End(html);
}

void Tables(const AccessReport& report, const FieldTitles& titles,
            const Words& say, std::string* html) {
  Heading(say("held"), html);
  for (const auto& table : report.tables()) {
    absl::StrAppend(
        html, "<h3>", HtmlText(table.title()),
        table.inferred() ? absl::StrCat(" (", say("inferred"), ")") : "",
        "</h3>\n");
    const bool upright = table.columns_size() > kMostBeside;
    std::vector<std::string> header;
    for (const auto& column : table.columns()) {
      header.push_back(HtmlText(column.title()));
    }
    header.push_back(say("source"));
    header.push_back(say("collected"));
    if (!upright) Begin(header, html);
    for (const auto& record : table.records()) {
      if (upright) {
        Upright(table, record, titles, say, html);
        continue;
      }
      html->append("<tr>");
      for (const auto& column : table.columns()) {
        absl::StrAppend(html, "<td>",
                        CellOf(table, column, record, titles, say), "</td>");
      }
      absl::StrAppend(html, "<td>", HtmlText(record.source()), "</td><td>",
                      HtmlText(Day(record.collected_at())), "</td></tr>\n");
    }
    if (!upright) End(html);
    Begin({say("field"), say("category"), say("kept_for")}, html);
    for (const auto& column : table.columns()) {
      absl::StrAppend(html, "<tr class=\"quiet\"><td>",
                      HtmlText(column.title()), "</td><td>",
                      HtmlText(column.category()), "</td><td>",
                      KeptFor(column, say), "</td></tr>\n");
    }
    End(html);
  }
  if (!report.withheld().empty()) {
    absl::StrAppend(html, "<h3>", say("withheld"), "</h3>\n");
    Begin({say("field"), say("reason"), say("ground")}, html);
    for (const auto& held : report.withheld()) {
      Row({titles.Of(held.field()), held.reason(), held.ground()}, "td", html);
    }
    End(html);
  }
  absl::StrAppend(html, "<h3>", say("identifiers"), "</h3>\n");
  Begin({say("kind"), say("value"), say("source"), say("collected")}, html);
  for (const auto& held : report.identifiers()) {
    Row({held.type(), held.value(), held.source(), Day(held.collected_at())},
        "td", html);
  }
  End(html);
}

void Uses(const AccessReport& report, const FieldTitles& titles,
          const Words& say, std::string* html) {
  Heading(say("purposes"), html);
  for (const auto& purpose : report.purposes()) {
    absl::StrAppend(html, "<h3>", HtmlText(purpose.title()), "</h3>\n<p>",
                    HtmlText(purpose.text()), "</p>\n<p class=\"quiet\">",
                    say("fields"), ": ",
                    HtmlText(titles.ListOf(purpose.fields())), ". ");
    for (const auto& basis : purpose.bases()) {
      absl::StrAppend(
          html, HtmlText(basis.regime()), ": ", HtmlText(basis.basis()), ", ",
          HtmlText(std::string(absl::StripSuffix(basis.document(), "."))),
          ". ");
    }
    html->append("</p>\n");
  }
  Heading(say("recipients"), html);
  if (report.recipients().empty()) {
    absl::StrAppend(html, "<p>", say("none"), "</p>\n");
  } else {
    Begin({say("organisation"), say("country"), say("purposes"),
           say("releases"), say("first"), say("last")},
          html);
    for (const auto& to : report.recipients()) {
      Row({to.name(), to.country(), List(to.purposes()),
           absl::StrCat(to.releases()), Day(to.first_at()), Day(to.last_at())},
          "td", html);
    }
    End(html);
  }
  if (!report.transfers().empty()) {
    absl::StrAppend(html, "<h3>", say("transfers"), "</h3>\n");
    Begin({say("country"), say("safeguard"), say("document"), say("purposes")},
          html);
    for (const auto& transfer : report.transfers()) {
      Row({List(transfer.to()), transfer.safeguard(), transfer.document(),
           transfer.purpose()},
          "td", html);
    }
    End(html);
  }
  Heading(say("sources"), html);
  Begin({say("source"), say("records")}, html);
  for (const auto& source : report.sources()) {
    Row({source.title(), absl::StrCat(source.records())}, "td", html);
  }
  End(html);
  Heading(say("decisions"), html);
  if (report.automated_decisions().empty()) {
    absl::StrAppend(html, "<p>", say("none"), "</p>\n");
  }
  for (const auto& decision : report.automated_decisions()) {
    absl::StrAppend(html, "<p><strong>", HtmlText(decision.purpose()),
                    "</strong>: ", HtmlText(decision.logic()), " ",
                    HtmlText(decision.human()), "</p>\n<p class=\"quiet\">",
                    say("fields"), ": ",
                    HtmlText(titles.ListOf(decision.fields())), "</p>\n");
  }
}

// What an output said, each part with its name where it does not name itself.
std::vector<std::string> PartsOf(const store::v1::ReportOutput& output,
                                 const Words& say) {
  std::vector<std::string> parts;
  const auto add = [&parts](const std::string& part) {
    if (!part.empty()) parts.push_back(part);
  };
  const auto add_named = [&](const char* name, const std::string& part) {
    if (!part.empty()) parts.push_back(say(name) + ": " + part);
  };
  add(output.item());
  add(output.content());
  add(output.label());
  add(output.price());
  add_named("base_price", output.base_price());
  add(absl::StrJoin(output.ranking(), ", "));
  add_named("score", output.score());
  if (!output.favourable().empty()) {
    parts.push_back(
        say(output.favourable() == "yes" ? "favourable" : "unfavourable"));
  }
  add_named("inputs", absl::StrJoin(output.inputs(), ", "));
  add_named("altered", absl::StrJoin(output.original(), ", "));
  return parts;
}

void Outputs(const AccessReport& report, const Words& say, std::string* html) {
  if (!report.outputs().empty()) {
    Heading(say("outputs"), html);
    Begin({say("date"), say("purposes"), say("kind"), say("value"),
           say("reason"), say("state")},
          html);
    for (const auto& output : report.outputs()) {
      Row({Day(output.time()), output.purpose(), output.kind(),
           absl::StrJoin(PartsOf(output, say), " / "), output.logic(),
           output.verdict()},
          "td", html);
    }
    End(html);
  }
  if (!report.reviews().empty()) {
    Heading(say("reviews"), html);
    Begin({say("date"), say("reason"), say("state"), say("value")}, html);
    for (const auto& review : report.reviews()) {
      std::vector<std::string> words;
      for (const auto* part :
           {&review.statements(), &review.questions(), &review.answers()}) {
        words.insert(words.end(), part->begin(), part->end());
      }
      Row({Day(review.time()), review.why(),
           review.verdict().empty() ? review.state()
                                    : review.state() + ": " + review.verdict(),
           absl::StrJoin(words, " / ")},
          "td", html);
    }
    End(html);
  }
  if (!report.vulnerabilities().empty()) {
    Heading(say("vulnerabilities"), html);
    Begin({say("kind"), say("ground"), say("since"), say("until")}, html);
    for (const auto& declared : report.vulnerabilities()) {
      Row({declared.kind(), declared.basis(), Day(declared.since()),
           Day(declared.until())},
          "td", html);
    }
    End(html);
  }
}

void Choices(const AccessReport& report, const Words& say, std::string* html) {
  Heading(say("choices"), html);
  Begin({say("purposes"), say("state"), say("since"), say("until"),
         say("notice")},
        html);
  for (const auto& choice : report.choices()) {
    Row({choice.purpose(), choice.status(), Day(choice.since()),
         Day(choice.until()), choice.notice()},
        "td", html);
  }
  End(html);
  const auto& flags = report.flags();
  const auto yes = [&](bool set) { return say(set ? "yes" : "no"); };
  Begin({say("what"), say("state")}, html);
  const auto line = [&](std::string_view key, const std::string& value) {
    absl::StrAppend(html, "<tr><td>", say(key), "</td><td>", value,
                    "</td></tr>\n");
  };
  line("restricted", yes(flags.restricted()));
  line("objections", HtmlText(List(flags.objections())));
  line("opt_outs", HtmlText(List(flags.opt_outs())));
  line("gpc", yes(flags.global_privacy_control()));
  line("legal_hold", yes(flags.legal_hold()));
  line("suppressed", yes(flags.suppressed()));
  line("residences", HtmlText(List(flags.residences())));
  line("birth_dates", HtmlText(List(flags.birth_dates())));
  line("joined", absl::StrCat(flags.joined_records()));
  End(html);
}

void Consultations(const AccessReport& report, const FieldTitles& titles,
                   const Words& say, std::string* html) {
  Heading(say("consultations"), html);
  absl::StrAppend(html, "<p class=\"quiet\">", say("consultations_note"),
                  "</p>\n");
  Begin({say("date"), say("organisation"), say("system"), say("purposes"),
         say("fields"), say("refused")},
        html);
  for (const auto& one : report.consultations()) {
    Row({Moment(one.at()), one.recipient(), one.system(),
         one.purpose().empty() ? one.event() : one.purpose(),
         titles.ListOf(one.fields()), one.denied()},
        "td", html);
  }
  End(html);
}

void Rights(const AccessReport& report, const Words& say, std::string* html) {
  Heading(say("rights"), html);
  Begin({say("law"), say("right"), say("citation")}, html);
  for (const auto& right : report.rights()) {
    Row({right.regime(), right.right(), right.citation()}, "td", html);
  }
  End(html);
  for (const std::string& complaint : report.complaints()) {
    absl::StrAppend(html, "<p>", HtmlText(complaint), "</p>\n");
  }
  absl::StrAppend(html, "<h3>", say("cases"), "</h3>\n");
  Begin({say("case"), say("kind"), say("date"), say("state")}, html);
  for (const auto& one : report.cases()) {
    Row({one.id(), one.kind(), Day(one.received_at()), one.state()}, "td",
        html);
  }
  End(html);
}

}  // namespace

std::string ReportHtml(const AccessReport& report) {
  const Words say(report.language());
  const bool access = report.kind() == "access";
  const char* const title = access ? "title_access" : "title_portability";
  std::string html = absl::StrCat(
      HtmlHead(LetterTexts::Shipped().Phrase(title, report.language()),
               report.language()),
      "<h1>", say(title), "</h1>\n<p class=\"quiet\">",
      HtmlText(report.controller()), ", ",
      HtmlText(report.controller_contact()), "<br>", say("made"), " ",
      HtmlText(Day(report.made_at())), ", ", say("case"), " ",
      HtmlText(report.case_id()), "</p>\n");
  const FieldTitles titles(report);
  Tables(report, titles, say, &html);
  if (access) {
    Uses(report, titles, say, &html);
    Outputs(report, say, &html);
    Choices(report, say, &html);
    Consultations(report, titles, say, &html);
    Rights(report, say, &html);
  }
  html.append("</body>\n</html>\n");
  return html;
}

}  // namespace consentry::rights
