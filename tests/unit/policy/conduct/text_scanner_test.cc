#include "policy/conduct/text_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductProof;
using config::v1::ConductRules;
using config::v1::ConductType;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::string> Claims(std::string_view text,
                                std::string_view language = {}) {
  std::vector<std::string> claims;
  for (const TextFinding& finding :
       TextScanner::Shipped().Scan(text, language).findings) {
    claims.push_back(finding.claim);
  }
  return claims;
}

TextFinding Only(std::string_view text) {
  const TextScan scan = TextScanner::Shipped().Scan(text);
  EXPECT_THAT(scan.findings, SizeIs(1)) << text;
  return scan.findings.empty() ? TextFinding() : scan.findings[0];
}

TextFinding Of(std::string_view claim, std::string_view text) {
  for (const TextFinding& finding :
       TextScanner::Shipped().Scan(text).findings) {
    if (finding.claim == claim) return finding;
  }
  ADD_FAILURE() << text;
  return {};
}

TEST(TextScannerTest, EveryRuleLivesUpToItsExamples) {
  ASSERT_OK(ShippedRuleFiles().status());
  size_t count = 0;
  for (const ExampleFailure& failure :
       TextScanner::Shipped().RunExamples(&count)) {
    ADD_FAILURE() << failure.rule << (failure.missed ? " misses " : " finds ")
                  << failure.example;
  }
  EXPECT_GT(count, 300u);
  EXPECT_GT(TextScanner::Shipped().rule_count(), 80u);
}

TEST(TextScannerTest, AFindingSaysWhereAndWhatIsStated) {
  const std::string text = "Grüße! Only two left in this size.";
  const TextFinding finding = Only(text);
  EXPECT_EQ(finding.claim, "low_stock");
  EXPECT_EQ(finding.type, ConductType::SCARCITY);
  EXPECT_EQ(finding.proof, ConductProof::STOCK);
  EXPECT_EQ(text.substr(finding.start, finding.length),
            "Only two left in this size");
  EXPECT_EQ(finding.quantity, 2);
  EXPECT_NE(TextScanner::Shipped().FindClaim(finding.claim), nullptr);
  EXPECT_EQ(TextScanner::Shipped().FindClaim("nonsense"), nullptr);
}

TEST(TextScannerTest, StatedAmountsInFourLanguages) {
  EXPECT_EQ(Only("nur noch drei Exemplare verfügbar").quantity, 3);
  EXPECT_EQ(Only("plus que 4 articles en stock").quantity, 4);
  EXPECT_EQ(Only("solo quedan cinco unidades").quantity, 5);
  EXPECT_EQ(Of("countdown", "Die Aktion endet in 02:30:00").left_s, 9000);
  EXPECT_EQ(Of("countdown", "L'offre se termine dans 2 heures").left_s, 7200);
  EXPECT_EQ(Only("35 % de descuento").percent, 35);
  EXPECT_EQ(Only("The sale ends on Sunday at midnight").deadline,
            "sunday at midnight");
  EXPECT_EQ(Only("statt 79,90 €").former_price, "79,90 €");
}

TEST(TextScannerTest, SeveralClaimsInOneTextAreAllFound) {
  const std::vector<std::string> claims = Claims(
      "Hurry! Only 2 left. 14 people are viewing this. 30% off, ends "
      "in 00:10:00.");
  for (const char* claim :
       {"urging", "low_stock", "activity", "discount", "countdown"}) {
    EXPECT_THAT(claims, Contains(claim));
  }
}

// A claim in disguise is a claim.
TEST(TextScannerTest, HostileUnicodeHidesNothing) {
  for (const std::string text : {
           "Оnlу 2 lеft",                          // Cyrillic letters
           "ΟΝLΥ 2 LΕFΤ",                          // Greek capitals
           "Ｏｎｌｙ　２　ｌｅｆｔ",               // full width
           "𝐎𝐧𝐥𝐲 𝟐 𝐥𝐞𝐟𝐭",                          // mathematical
           "ᴏɴʟʏ 2 ʟᴇꜰᴛ",                          // small capitals
           "Ⓞⓝⓛⓨ ② ⓛⓔⓕⓣ",                          // circled
           "O\u200Bn\u200Cl\u200Dy 2 l\u2060eft",  // zero width inside words
           "Only\u200B2\u200Bleft",                // zero width between words
           "On\u00ADly 2 le\u00ADft",              // soft hyphens
           "O\u0336n\u0336l\u0336y\u0336 2 l\u0335e\u0335f\u0335t",  // struck
           "\u202Etfel 2 ylnO\u202C",                                // turned
           "\u2067Only 2 left\u2069",          // isolated right to left
           "Only\u00A02\u2009left",            // other spaces
           "Only\n\n2\t\tleft",                // lines
           "Only 2\uFE0F\u20E3 left",          // keycap
           "Only ٢ left",                      // Arabic-Indic digit
           "On\U000E0020\U000E0041ly 2 left",  // tags
           "O\u034Fnly 2 left",                // grapheme joiner
           "Only <b>2</b> l<i>e</i>ft",        // markup inside
           "Only<br>2<br>left",                // markup between
           "&#79;nly&nbsp;&#50; le&#x66;t",    // entities
           "0n1y 2 l3ft",                      // digits for letters
           "O N L Y 2 L E F T",                // apart
           "Only two left",
       }) {
    EXPECT_THAT(Claims(text), Contains("low_stock")) << text;
  }
}

TEST(TextScannerTest, TheSpanOfADisguisedClaimIsTheDisguise) {
  const std::string text = "Neu: O\u200Bnly 2 lеft!";
  const TextFinding finding = Only(text);
  EXPECT_EQ(text.substr(finding.start, finding.length), "O\u200Bnly 2 lеft");
}

TEST(TextScannerTest, AnyBytesAreReadWithinBounds) {
  EXPECT_THAT(Claims(""), IsEmpty());
  EXPECT_THAT(Claims(std::string_view("\0\0", 2)), IsEmpty());
  EXPECT_THAT(Claims("\xFF\xFE Only 2 left \xC3"), Contains("low_stock"));
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const TextFinding& finding : TextScanner::Shipped().Scan(all).findings) {
    EXPECT_LE(finding.start + finding.length, all.size());
  }
}

TEST(TextScannerTest, WhatIsTooLongOrClaimsTooMuchIsIncomplete) {
  const TextScanner& scanner = TextScanner::Shipped();
  std::string text(FoldedText::kMaxBytes, ' ');
  text += "only 2 left";
  EXPECT_FALSE(scanner.Scan(text).complete);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "Only 2 left. ";
  const TextScan scan = scanner.Scan(many);
  EXPECT_FALSE(scan.complete);
  EXPECT_THAT(scan.findings, SizeIs(TextScanner::kMaxFindings));
  EXPECT_TRUE(scanner.Scan("Only 2 left").complete);
}

TEST(TextScannerTest, ALanguageLeavesTheOthersOut) {
  EXPECT_THAT(Claims("Only 2 left", "de"), IsEmpty());
  EXPECT_THAT(Claims("Nur noch 2 Stück", "de"), Contains("low_stock"));
  // Rules for all languages stay, and one without rules means all.
  EXPECT_THAT(Claims("00:14:59", "de"), Contains("countdown"));
  EXPECT_THAT(Claims("Only 2 left", "pt"), Contains("low_stock"));
}

TEST(TextScannerTest, OrdinarySentencesClaimNothing) {
  for (const char* text : {
           "Only available in blue",
           "Sale of used cars",
           "Last name",
           "First name, last name and address",
           "Turn left at the second corner",
           "The last train leaves at 23:10",
           "Open Monday to Friday, 09:00 to 18:00",
           "Your order was sent today and arrives within 3 days",
           "Two people can sit on this bench",
           "You have 14 days to return it",
           "Thank you for your order",
           "We have received your complaint and answer within two days",
           "No, this does not fit a 28 inch wheel",
           "You can cancel online at any time",
           "100% organic cotton",
           "Free returns",
           "Please confirm your e-mail address",
           "Sign up for our newsletter",
           "Water resistant to 50 metres",
           "The price includes tax",
           "Nur in Blau erhältlich",
           "Verkauf von Gebrauchtwagen",
           "Nachname",
           "Letzte Änderung: 12.03.2026",
           "Lieferung in 2 bis 3 Werktagen",
           "Ihre Bestellung ist unterwegs",
           "Geöffnet von 9 bis 18 Uhr",
           "Der Vertrag ist jederzeit online kündbar",
           "Zwei Personen finden hier Platz",
           "Alle Preise inklusive Mehrwertsteuer",
           "Disponible uniquement en bleu",
           "Vente de voitures d'occasion",
           "Nom de famille",
           "Dernière mise à jour le 12 mars",
           "Livraison sous 3 jours",
           "Ouvert du lundi au vendredi",
           "Vous pouvez annuler en ligne à tout moment",
           "Retour gratuit sous 30 jours",
           "Solo disponible en azul",
           "Venta de coches de segunda mano",
           "Apellido",
           "Última actualización: 12 de marzo",
           "Entrega en 3 días laborables",
           "Abierto de lunes a viernes",
           "Puede cancelar en línea en cualquier momento",
           "Precio con IVA incluido",
       }) {
    EXPECT_THAT(Claims(text), IsEmpty()) << text;
  }
}

TEST(TextScannerTest, ClaimsAsGermanFrenchAndSpanishShopsMakeThem) {
  for (const char* text : {
           "Nur noch 1 auf Lager",
           "Nur noch 3 Zimmer zu diesem Preis auf unserer Seite",
           "Nur noch 5 Stück auf Lager - jetzt bestellen",
           "Schnell! Nur noch wenige Artikel verfügbar",
           "Nur noch 2 verfügbar",
           "Letztes Exemplar",
           "Nur noch 1 Platz frei",
           "Fast ausgebucht!",
           "Lagerbestand: nur noch 4 Stück",
           "Sehr gefragt! 12 Personen haben heute gebucht",
           "In den letzten 24 Stunden 8 Mal gebucht",
           "Zuletzt vor 5 Minuten gebucht",
           "3 Personen sehen sich dieses Produkt gerade an",
           "Dieses Produkt liegt in 18 Warenkörben",
           "Über 500 Mal verkauft",
           "Anna aus Berlin hat gerade ein Paar Sneaker gekauft",
           "Beliebt! 40 Nutzer haben diesen Artikel in den letzten 24 Stunden "
           "gekauft",
           "Das Angebot endet in 3 Stunden",
           "Angebot endet in 02:15:09",
           "Nur heute: 20% auf alles",
           "Nur noch heute 15 € Rabatt",
           "Befristetes Angebot",
           "Aktion gültig bis 31.12.",
           "Nur für kurze Zeit verfügbar",
           "Letzte Chance!",
           "Jetzt zugreifen, bevor es zu spät ist",
           "Beeilung, der Countdown läuft",
           "Ihr Warenkorb wird für 10 Minuten reserviert",
           "Nicht verpassen!",
           "Statt 99,99 € jetzt nur 49,99 €",
           "Spare bis zu 70%",
           "UVP 59,95 €",
           "-30% auf Schuhe",
           "Nein danke, ich möchte kein Geld sparen",
           "Nein, ich zahle lieber den vollen Preis",
           "Nein danke, ich verzichte auf 10 % Rabatt",
           "Ich brauche keine Rabatte",
           "Kunden kauften auch",
           "Wird oft zusammen gekauft",
           "Kündigung nur per Einschreiben möglich",
           "Das Abonnement verlängert sich automatisch um 12 Monate, wenn es "
           "nicht gekündigt wird",
           "Setzen Sie das Häkchen, wenn Sie keine Werbung erhalten möchten",
           "Wir haben eine Garantieverlängerung in Ihren Warenkorb gelegt",
           "Solange der Vorrat reicht",
           "Hohe Nachfrage: 2 weitere Personen haben diesen Artikel im "
           "Warenkorb",
           "Bestelle in den nächsten 2 Std. 14 Min. und erhalte ein Geschenk",
           "Unser Bestseller",
           "Bereits 2.000 begeisterte Kunden",
           "Flash-Sale endet um Mitternacht",
           "Greif zu, solange es noch geht",
           "Plus que 1 en stock",
           "Plus que 3 chambres à ce prix",
           "Il ne reste plus que 2 exemplaires en stock",
           "Dépêchez-vous, il n'en reste plus que 5 !",
           "Dernier article en stock",
           "Stock limité",
           "Bientôt en rupture de stock",
           "Presque complet !",
           "Plus que quelques pièces disponibles",
           "Très demandé ! 12 personnes ont réservé aujourd'hui",
           "Réservé 8 fois au cours des dernières 24 heures",
           "Dernière réservation il y a 5 minutes",
           "3 personnes regardent ce produit en ce moment",
           "Cet article est dans 18 paniers",
           "Plus de 500 vendus",
           "Julie de Lyon vient d'acheter une paire de baskets",
           "40 clients ont acheté cet article ces dernières 24 heures",
           "L'offre se termine dans 3 heures",
           "L'offre expire dans 02:15:09",
           "Aujourd'hui seulement : -20% sur tout",
           "Offre limitée dans le temps",
           "Offre valable jusqu'au 31 décembre",
           "Pour une durée limitée",
           "Dernière chance !",
           "Vite, le temps presse",
           "Votre panier est réservé pendant 10 minutes",
           "Ne ratez pas cette occasion",
           "99,99 € 49,99 € au lieu de 99,99 €",
           "Économisez jusqu'à 70 %",
           "Prix conseillé 59,95 €",
           "-30% sur les chaussures",
           "Non merci, je ne veux pas économiser d'argent",
           "Non, je préfère payer le prix fort",
           "Non merci, je renonce à ma réduction de 10 %",
           "Je n'ai pas besoin de réduction",
           "Les clients ont également acheté",
           "Fréquemment achetés ensemble",
           "Résiliation uniquement par lettre recommandée",
           "L'abonnement se renouvelle automatiquement pour 12 mois",
           "Cochez cette case si vous ne souhaitez pas recevoir nos offres",
           "Nous avons ajouté une garantie à votre panier",
           "Jusqu'à épuisement des stocks",
           "Forte demande",
           "Commandez dans les 2 h 14 min pour recevoir un cadeau",
           "Notre meilleure vente",
           "Déjà 2 000 clients satisfaits",
           "Vente flash : se termine à minuit",
           "Profitez-en vite avant qu'il ne soit trop tard",
           "Plus que 2 jours pour en profiter",
           "Des milliers de clients conquis",
           "Solo queda 1 en stock",
           "¡Solo quedan 3 habitaciones a este precio!",
           "Quedan 2 unidades",
           "¡Date prisa, solo quedan 5!",
           "Último artículo en stock",
           "Stock limitado",
           "Casi agotado",
           "¡Últimas plazas!",
           "Quedan muy pocas unidades disponibles",
           "¡Muy solicitado! 12 personas han reservado hoy",
           "Reservado 8 veces en las últimas 24 horas",
           "Última reserva hace 5 minutos",
           "3 personas están viendo este producto ahora mismo",
           "Este artículo está en 18 carritos",
           "Más de 500 vendidos",
           "Laura de Madrid acaba de comprar unas zapatillas",
           "40 clientes han comprado este artículo en las últimas 24 horas",
           "La oferta termina en 3 horas",
           "La oferta expira en 02:15:09",
           "Solo hoy: 20% en todo",
           "Oferta por tiempo limitado",
           "Oferta válida hasta el 31 de diciembre",
           "Por tiempo limitado",
           "¡Última oportunidad!",
           "¡Corre, que se acaba!",
           "Tu carrito está reservado durante 10 minutos",
           "No te lo pierdas",
           "Antes 99,99 € ahora 49,99 €",
           "Ahorra hasta un 70 %",
           "PVP 59,95 €",
           "-30% en zapatos",
           "No gracias, no quiero ahorrar dinero",
           "No, prefiero pagar el precio completo",
           "No, gracias, renuncio a mi descuento del 10 %",
           "No necesito descuentos",
           "Los clientes también compraron",
           "Comprados juntos habitualmente",
           "La cancelación solo es posible por correo certificado",
           "La suscripción se renueva automáticamente por 12 meses",
           "Marque esta casilla si no desea recibir publicidad",
           "Hemos añadido una garantía a su carrito",
           "Hasta agotar existencias",
           "Alta demanda",
           "Compra en las próximas 2 h 14 min y recibe un regalo",
           "Nuestro producto más vendido",
           "Ya 2.000 clientes satisfechos",
           "Venta flash: termina a medianoche",
           "Aprovecha antes de que sea tarde",
           "Solo quedan 2 días",
           "Miles de clientes contentos",
       }) {
    EXPECT_THAT(Claims(text), Not(IsEmpty())) << text;
  }
}

// Ten times the text takes about ten times as long; a hundred leaves room for
// a busy machine and none for a square.
TEST(TextScannerTest, TimeGrowsWithTheTextAlone) {
  const auto time = [](size_t repeat) {
    std::string text;
    while (text.size() < repeat) text += "no thanks, i only 2 3 : 4 (in a) ";
    const auto start = std::chrono::steady_clock::now();
    TextScanner::Shipped().Scan(text);
    return std::chrono::steady_clock::now() - start;
  };
  time(20000);
  const auto small = time(20000);
  EXPECT_LT(time(200000), 100 * small);
}

TEST(TextScannerTest, ThreadsShareOneScanner) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 50; ++k) {
        EXPECT_THAT(Claims("Hurry, only 2 left!"), Contains("low_stock"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

absl::Status StatusOfRules(std::string_view text) {
  auto parsed = policy::ParseText<ConductRules>("own.txtpb", text);
  if (!parsed.ok()) return parsed.status();
  return TextScanner::Create({*std::move(parsed)}).status();
}

constexpr char kClaim[] = R"(
  claims { id: "low_stock" type: SCARCITY proof: STOCK title: "few"
           citations { text: "law" evidence: UNCHECKED } })";

TEST(TextScannerTest, FaultyRulesAreRefusedWithTheirPlace) {
  const std::string rule =
      "rules { id: \"en.x\" language: \"en\" claim: \"low_stock\" "
      "examples: \"a\" counterexamples: \"b\" ";
  EXPECT_OK(StatusOfRules(kClaim + rule + "expressions: \"a\" }"));
  for (const auto& [more, fault] :
       std::vector<std::pair<std::string, std::string>>{
           {"expressions: \"(\" }", "is no expression"},
           {"expressions: \"a*\" }", "matches an empty text"},
           {"expressions: \"<nothing>\" }", "has no word <nothing>"},
           {"expressions: \"~\" }", "is empty"},
           {"}", "expressions: is missing"},
           {"expressions: \"a\" } " + rule + "expressions: \"a\" }",
            "is not unique"}}) {
    const absl::Status status = StatusOfRules(kClaim + rule + more);
    EXPECT_THAT(std::string(status.message()), HasSubstr(fault));
    EXPECT_THAT(std::string(status.message()), HasSubstr("own.txtpb:"));
  }
  EXPECT_THAT(
      std::string(StatusOfRules(rule + "expressions: \"a\" }").message()),
      HasSubstr("claim: is not defined"));
  EXPECT_THAT(
      std::string(StatusOfRules("words { name: \"a\" expression: "
                                "\"<a>\" } " +
                                (kClaim + rule) + "expressions: \"<a>\" }")
                      .message()),
      HasSubstr("hold each other"));
}

}  // namespace
}  // namespace consentry::conduct
