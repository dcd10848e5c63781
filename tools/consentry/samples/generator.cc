#include "tools/consentry/samples/generator.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/consentry/samples/people.h"
#include "tools/consentry/samples/random.h"
#include "tools/consentry/samples/table.h"

namespace consentry::tools {
namespace {

std::string CountryOf(const SamplePerson& person) {
  return std::string(person.place->residence.substr(0, 2));
}

std::string StateOf(const SamplePerson& person) {
  return person.place->residence.size() > 2
             ? std::string(person.place->residence.substr(3))
             : "";
}

std::string CurrencyOf(const SamplePerson& person) {
  const std::string country = CountryOf(person);
  if (country == "US") return "USD";
  if (country == "GB") return "GBP";
  return country == "SE" ? "SEK" : "EUR";
}

// Names as hurried people type them.
std::string Typed(const std::string& name, SampleRandom* random) {
  const size_t draw = random->Below(100);
  // Letters beyond ASCII stay: half the systems get them wrong anyway.
  if (draw < 4) return absl::AsciiStrToUpper(name);
  if (draw < 7) return absl::AsciiStrToLower(name);
  return name;
}

std::string TimeOf(absl::CivilDay day, SampleRandom* random) {
  // One draw a statement: the order of arguments is the compiler's.
  const size_t hour = 8 + random->Below(12);
  const size_t minute = random->Below(60);
  const size_t second = random->Below(60);
  return absl::StrFormat("%s %02d:%02d:%02d", IsoDay(day), hour, minute,
                         second);
}

class Exporter {
 public:
  explicit Exporter(const SampleOptions& options)
      : today_(options.today), random_(options.seed) {
    people_ =
        MakeSamplePeople(std::max(options.customers, 100), today_, &random_);
  }

  std::vector<SampleFile> Run() {
    std::vector<SampleFile> files;
    files.push_back({"crm.csv", "crm.txtpb", Crm()});
    files.push_back({"tickets.csv", "tickets.txtpb", Tickets()});
    files.push_back({"web_shop.csv", "web_shop.txtpb", WebShop()});
    files.push_back({"orders.csv", "orders.txtpb", Orders()});
    files.push_back({"pos.csv", "pos.txtpb", PointOfSale()});
    return files;
  }

 private:
  bool IsFixed(const SamplePerson& person) const { return person.number <= 6; }
  // Dirt that would change what the tour tells stays away from its people.
  bool Dirt(const SamplePerson& person, double percent) {
    return random_.Percent(percent) && !IsFixed(person);
  }
  std::string CrmNumber(const SamplePerson& person) const {
    return absl::StrCat("C-", 1000 + person.number);
  }
  std::string ShopNumber(const SamplePerson& person) const {
    return person.in_shop ? absl::StrCat("W-", 5000 + person.number) : "";
  }

  // The CRM's own idea of a date.
  std::string CrmBirth(const SamplePerson& person) {
    if (Dirt(person, 9)) return "";
    if (Dirt(person, 1)) return "00.00.0000";
    if (Dirt(person, 0.5)) return "31.02.1985";
    if (Dirt(person, 1)) return GermanDay(person.birth).substr(0, 6) + "85";
    // Somebody mistyped the year: another source knows better.
    absl::CivilDay birth = person.birth;
    if (Dirt(person, 1)) {
      birth = absl::CivilDay(birth.year() - 10, birth.month(), birth.day());
    }
    if (Dirt(person, 8)) return IsoDay(birth);
    if (Dirt(person, 8)) {
      return absl::StrFormat("%d.%d.%d", birth.day(), birth.month(),
                             birth.year());
    }
    return GermanDay(birth);
  }

  std::string CrmNewsletter(const SamplePerson& person, std::string* date) {
    static constexpr std::array<std::string_view, 4> kFreeText = {
        "tel. zugesagt?", "ja, aber nur im Winter", "siehe Notiz", "?"};
    *date = GermanDay(person.newsletter_day);
    if (Dirt(person, 2)) return std::string(kFreeText[random_.Below(4)]);
    if (Dirt(person, 3)) *date = "";
    switch (person.newsletter) {
      case SampleChoice::kGiven:
        return random_.Percent(20) ? "Ja" : "ja";
      case SampleChoice::kWithdrawn:
        return "abgemeldet";
      case SampleChoice::kDeclined:
        return "nein";
      default:
        *date = "";
        return "";
    }
  }

  std::string Crm() {
    SampleTable table(';', "\r\n",
                      {"Kundennr",     "Shop-Nr",    "Vorname",
                       "Nachname",     "E-Mail",     "E-Mail geprüft",
                       "Telefon",      "Straße",     "PLZ",
                       "Ort",          "Land",       "Bundesstaat",
                       "Geburtsdatum", "Sprache",    "Kunde seit",
                       "Stand",        "Newsletter", "Newsletter am",
                       "Quelle",       "Bemerkung"},
                      &random_);
    for (const SamplePerson& person : people_) {
      if (!person.in_crm) continue;
      std::string given = Typed(person.given_name, &random_);
      std::string family = Typed(person.family_name, &random_);
      if (Dirt(person, 0.4)) family = FormulaCell(&random_);
      std::string email = Dirt(person, 6) ? "" : person.email;
      if (!email.empty() && Dirt(person, 1.5)) {
        email = BrokenEmail(email, &random_);
      }
      if (random_.Percent(4)) email = absl::AsciiStrToUpper(email);
      std::string newsletter_day;
      const std::string newsletter = CrmNewsletter(person, &newsletter_day);
      const absl::CivilDay stand =
          today_ - static_cast<int64_t>(1 + random_.Below(400));
      table.Add(
          {CrmNumber(person),
           Dirt(person, 30) ? "" : ShopNumber(person),
           given,
           family,
           email,
           random_.Percent(60) || IsFixed(person) ? "ja" : "nein",
           WrittenPhone(person.phone, &random_),
           person.street,
           Dirt(person, 3) ? "n/a" : person.postal_code,
           person.town,
           Dirt(person, 2) ? "" : WrittenCountry(CountryOf(person), &random_),
           StateOf(person),
           CrmBirth(person),
           std::string(person.place->language),
           GermanDay(person.since),
           GermanDay(std::max(stand, person.since)),
           newsletter,
           newsletter_day,
           newsletter.empty() ? "" : "Webformular",
           Dirt(person, 1) ? FormulaCell(&random_) : ""});
      if (person.number == 40) {
        // A street with a delimiter that nobody quoted.
        table.AddRaw(
            "C-9001;;Test;Zeile;;nein;;Hof; Haus 2;10115;Berlin;DE;;;de;;;;;;");
      }
    }
    return table.InWindows1252();
  }

  std::string Tickets() {
    static constexpr std::array<std::array<std::string_view, 2>, 5> kTopics = {
        {{"Lieferung fehlt", "Mein Paket ist noch nicht angekommen."},
         {"Wrong colour", "I ordered blue and got green."},
         {"Facture", "Pouvez-vous m'envoyer la facture encore une fois ?"},
         {"Devolución", "Quiero devolver la taza."},
         {"Umtausch", "Die Kanne ist zerbrochen; was nun?"}}};
    SampleTable table(';', "\r\n",
                      {"Ticket", "Kundennr", "E-Mail", "Eröffnet",
                       "Geschlossen", "Betreff", "Text"},
                      &random_);
    int number = 30000;
    for (const SamplePerson& person : people_) {
      if (!person.in_crm || (!person.open_ticket && !random_.Percent(10))) {
        continue;
      }
      const absl::CivilDay opened =
          person.open_ticket
              ? today_ - static_cast<int64_t>(1 + random_.Below(20))
              : today_ - static_cast<int64_t>(30 + random_.Below(600));
      const auto& topic = kTopics[random_.Below(kTopics.size())];
      std::string subject(topic[0]);
      if (Dirt(person, 2)) subject = FormulaCell(&random_);
      table.Add({absl::StrCat("T-", ++number), CrmNumber(person), person.email,
                 TimeOf(opened, &random_),
                 person.open_ticket ? ""
                                    : TimeOf(opened + static_cast<int64_t>(
                                                          1 + random_.Below(9)),
                                             &random_),
                 subject, std::string(topic[1])});
    }
    return table.InWindows1252();
  }

  std::string WebShop() {
    static constexpr std::array<std::string_view, 4> kStatus = {
        "", "subscribed", "unsubscribed", "declined"};
    SampleTable table(',', "\n",
                      {"customer_id",
                       "loyalty_card",
                       "email",
                       "email_verified",
                       "first_name",
                       "last_name",
                       "phone",
                       "phone_verified",
                       "country",
                       "state",
                       "city",
                       "zip",
                       "street",
                       "birth_date",
                       "locale",
                       "created_at",
                       "updated_at",
                       "newsletter_status",
                       "newsletter_changed_at",
                       "do_not_sell",
                       "do_not_sell_at"},
                      &random_);
    for (const SamplePerson& person : people_) {
      if (!person.in_shop) continue;
      std::string email = person.email;
      if (Dirt(person, 1)) email = BrokenEmail(email, &random_);
      std::string given = Typed(person.given_name, &random_);
      // A form that stored Latin-1 into a UTF-8 table.
      if (Dirt(person, 0.3)) given += "\xE9";
      std::string status(kStatus[static_cast<size_t>(person.newsletter)]);
      if (Dirt(person, 1.5)) status = "pending";
      const bool us = CountryOf(person) == "US";
      table.Add(
          {ShopNumber(person),
           Dirt(person, 40) ? "" : person.card,
           email,
           random_.Percent(70) || IsFixed(person) ? "true" : "false",
           given,
           Typed(person.family_name, &random_),
           Dirt(person, 15) ? "" : WrittenPhone(person.phone, &random_),
           random_.Percent(50) ? "true" : "false",
           CountryOf(person),
           StateOf(person),
           person.town,
           person.postal_code,
           person.street,
           Dirt(person, 25) ? "" : IsoDay(person.birth),
           std::string(person.place->language),
           TimeOf(person.since, &random_),
           TimeOf(std::max(person.since, today_ - static_cast<int64_t>(
                                                      1 + random_.Below(300))),
                  &random_),
           status,
           status.empty() || status == "pending"
               ? ""
               : TimeOf(person.newsletter_day, &random_),
           us ? (person.do_not_sell ? "1" : "0") : "",
           person.do_not_sell && !Dirt(person, 10)
               ? TimeOf(person.do_not_sell_day, &random_)
               : ""});
    }
    return "\xEF\xBB\xBF" + table.text();
  }

  std::string Orders() {
    static constexpr std::array<std::string_view, 6> kItems = {
        "tea, green", "tea pot", "mug", "honey", "tea, black", "strainer"};
    SampleTable table(',', "\n",
                      {"order_id", "customer_id", "email", "ordered_at",
                       "completed_at", "total", "currency", "items"},
                      &random_);
    int number = 80000;
    for (const SamplePerson& person : people_) {
      if (!person.in_shop) continue;
      for (size_t n = random_.Below(4); n > 0; --n) {
        const absl::CivilDay day =
            today_ - static_cast<int64_t>(1 + random_.Below(900));
        const bool open = today_ - day < 6;
        std::string items(kItems[random_.Below(kItems.size())]);
        if (random_.Percent(40)) {
          absl::StrAppend(&items, "; ", kItems[random_.Below(3)].data());
        }
        const size_t whole = 3 + random_.Below(140);
        const size_t cents = random_.Below(100);
        std::string total = absl::StrFormat("%d.%02d", whole, cents);
        if (random_.Percent(1)) total = "free";
        table.Add({absl::StrCat("O-", ++number), ShopNumber(person),
                   person.email, TimeOf(day, &random_),
                   open ? "" : TimeOf(day + 5, &random_), total,
                   CurrencyOf(person), items});
      }
    }
    return table.text();
  }

  std::string PointOfSale() {
    SampleTable table('\t', "\r\n",
                      {"receipt", "card", "customer", "phone", "phone_checked",
                       "date", "total", "currency", "store", "country"},
                      &random_);
    int number = 400000;
    for (const SamplePerson& person : people_) {
      if (person.card.empty()) continue;
      for (size_t n = 1 + random_.Below(3); n > 0; --n) {
        const absl::CivilDay day =
            today_ - static_cast<int64_t>(1 + random_.Below(700));
        table.Add(
            {absl::StrCat("R-", ++number), Dirt(person, 2) ? "" : person.card,
             absl::AsciiStrToUpper(
                 absl::StrCat(person.family_name, ", ", person.given_name)),
             Dirt(person, 10) ? "" : WrittenPhone(person.phone, &random_),
             person.phone.empty() || random_.Percent(50) ? "N" : "Y",
             random_.Percent(80) ? GermanDay(day) : IsoDay(day), GermanAmount(),
             CurrencyOf(person), person.town, CountryOf(person)});
      }
    }
    return table.text();
  }

  // "1.234,50".
  std::string GermanAmount() {
    const size_t whole = 2 + random_.Below(1200);
    const size_t cents = random_.Below(100);
    return whole < 1000 ? absl::StrFormat("%d,%02d", whole, cents)
                        : absl::StrFormat("%d.%03d,%02d", whole / 1000,
                                          whole % 1000, cents);
  }

  const absl::CivilDay today_;
  SampleRandom random_;
  std::vector<SamplePerson> people_;
};

absl::Status WriteFile(const std::filesystem::path& path,
                       std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (out) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", path.string()));
}

}  // namespace

std::vector<SampleFile> GenerateSamples(const SampleOptions& options) {
  return Exporter(options).Run();
}

absl::Status WriteSamples(const SampleOptions& options,
                          const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "cannot make the folder ", directory, ": ", error.message()));
  }
  const std::filesystem::path base(directory);
  for (const SampleFile& file : GenerateSamples(options)) {
    absl::Status status = WriteFile(base / file.name, file.content);
    if (!status.ok()) return status;
  }
  for (const EmbeddedFile& map : EmbeddedSampleMaps()) {
    absl::Status status = WriteFile(base / map.name, map.content);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace consentry::tools
