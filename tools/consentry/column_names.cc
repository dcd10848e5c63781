#include "tools/consentry/column_names.h"

#include <vector>

namespace consentry::tools {
namespace {

using config::v1::FieldType;

constexpr ColumnRole kField = ColumnRole::kField;

// The first that fits wins: what is narrower stands first.
constexpr ColumnName kNames[] = {
    {ColumnRole::kChoiceTime, FieldType::TIMESTAMP, "", "",
     "newsletteram newsletterdate newsletterat optindate optinat optinam "
     "consentdate consentat marketingoptinat marketingdate einwilligungam "
     "einwilligungsdatum dateconsentement dateoptin fechaconsentimiento "
     "newsletterchangedat subscribedat permissiondate dateinscription "
     "fechaalta"},
    {ColumnRole::kChoice, FieldType::STRING, "", "",
     "newsletter optin marketingoptin emailoptin newsletterstatus marketing "
     "marketingconsent consent einwilligung werbeeinwilligung werbung "
     "consentement acceptemarketing consentimiento permission subscribed "
     "mailingpermission boletin infolettre gdprconsent acceptsmarketing"},
    {ColumnRole::kRecordId, FieldType::STRING, "number",
     "user.behavior.purchase_history",
     "orderid orderno ordernumber ordernr order bestellung bestellnr "
     "bestellnummer auftragsnummer auftragsnr commande numerocommande pedido "
     "numeropedido invoice invoiceid invoiceno invoicenumber rechnung "
     "rechnungsnummer rechnungsnr facture numerofacture factura receipt "
     "receiptid bon bonnummer ticket ticketid ticketno ticketnumber caseid "
     "transactionid"},
    {ColumnRole::kSubjectId, FieldType::STRING, "", "user.unique_id",
     "customerid customerno customernumber customer customerref custid id "
     "kundennr kundennummer kundeid kunde clientid client idclient "
     "numeroclient nclient idcliente cliente numerocliente userid user "
     "memberid contactid personid accountid crmid"},
    {kField, FieldType::STRING, "given_name", "user.name.first",
     "firstname givenname forename vorname prenom nombre first"},
    {kField, FieldType::STRING, "family_name", "user.name.last",
     "lastname familyname surname nachname familienname nom nomdefamille "
     "apellido apellidos last"},
    {kField, FieldType::STRING, "full_name", "user.name",
     "name fullname customername kundenname nomcomplet nombrecompleto "
     "displayname contactname"},
    {kField, FieldType::EMAIL, "email", "user.contact.email",
     "email emailaddress mail mailadresse emailadresse courriel adressemail "
     "adresseemail correo correoelectronico"},
    {kField, FieldType::PHONE, "fax", "user.contact.fax_number",
     "fax faxnumber telefax faxnummer"},
    {kField, FieldType::PHONE, "phone", "user.contact.phone_number",
     "phone phonenumber telephone telephonenumber telefon telefonnummer tel "
     "mobile mobil handy handynummer portable telefono movil cell cellphone"},
    {kField, FieldType::STRING, "street", "user.contact.address.street",
     "street address address1 streetaddress addressline1 billingaddress "
     "shippingaddress strasse anschrift adresse rue direccion calle"},
    {kField, FieldType::POSTAL_CODE, "postal_code",
     "user.contact.address.postal_code",
     "postalcode postcode zip zipcode plz postleitzahl codepostal "
     "codigopostal cp billingpostalcode billingzip"},
    {kField, FieldType::CITY, "city", "user.contact.address.city",
     "city town ort stadt ville ciudad localidad billingcity wohnort"},
    {kField, FieldType::REGION, "region", "user.contact.address.state",
     "state province region bundesland bundesstaat departement etat "
     "provincia estado billingstate"},
    {kField, FieldType::COUNTRY, "country", "user.contact.address.country",
     "country countrycode land pays pais billingcountry laenderkennung "
     "countryname"},
    {kField, FieldType::DATE, "birth_date", "user.demographic.date_of_birth",
     "birthdate dateofbirth dob birthday geburtsdatum geboren geburtstag "
     "datedenaissance naissance fechadenacimiento fechanacimiento nacimiento "
     "born"},
    {kField, FieldType::LANGUAGE, "language", "user.demographic.language",
     "language locale lang sprache langue idioma"},
    {kField, FieldType::STRING, "gender", "user.demographic.gender",
     "gender sex geschlecht sexe sexo genre genero"},
    {kField, FieldType::INT, "age", "user.demographic.age_range",
     "age alter edad"},
    {kField, FieldType::STRING, "marital_status",
     "user.demographic.marital_status",
     "marital maritalstatus familienstand etatcivil estadocivil"},
    {kField, FieldType::STRING, "company", "user.workplace",
     "company firma organisation organization societe entreprise empresa"},
    {kField, FieldType::STRING, "job", "user.job_title",
     "job jobtitle beruf profession metier profesion occupation"},
    {kField, FieldType::TIMESTAMP, "opened_at", "user.account",
     "openedat opened opendate eroffnet eroffnetam geoffnetam ouvertle "
     "dateouverture abierto fechaapertura"},
    {kField, FieldType::TIMESTAMP, "closed_at", "user.account",
     "closedat closed closedate resolvedat geschlossen geschlossenam "
     "fermele cerrado fechacierre"},
    {kField, FieldType::STRING, "subject", "user.content.private",
     "subject betreff objet asunto topic"},
    {kField, FieldType::TEXT, "text", "user.content.private",
     "text message body nachricht beschreibung description mensaje"},
    {kField, FieldType::DATE, "customer_since", "user.account",
     "customersince kundeseit createdat created signupdate registeredat "
     "registered clientdepuis clientedesde membersince"},
    {kField, FieldType::TIMESTAMP, "ordered_at",
     "user.behavior.purchase_history",
     "orderedat orderdate invoicedate bestelldatum rechnungsdatum "
     "datecommande datefacture fechapedido fechafactura purchasedate"},
    {kField, FieldType::TIMESTAMP, "completed_at",
     "user.behavior.purchase_history",
     "completedat shippedat delivereddate deliveredat versandtam"},
    {kField, FieldType::MONEY, "total", "user.behavior.purchase_history",
     "total amount ordertotal grandtotal summe betrag gesamtbetrag montant "
     "importe umsatz revenue price preis"},
    {kField, FieldType::DOUBLE, "balance", "user.financial",
     "balance kontostand saldo solde"},
};

bool HasWord(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    words.remove_prefix(end + 1);
  }
  return false;
}

bool ContainsWord(std::string_view words, std::string_view name) {
  constexpr size_t kMinLetters = 5;
  while (!words.empty()) {
    const size_t end = words.find(' ');
    const std::string_view word = words.substr(0, end);
    if (word.size() >= kMinLetters &&
        name.find(word) != std::string_view::npos) {
      return true;
    }
    if (end == std::string_view::npos) return false;
    words.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

const ColumnName* FindColumnName(std::string_view folded, bool* exact) {
  *exact = true;
  for (const ColumnName& name : kNames) {
    if (HasWord(name.words, folded)) return &name;
  }
  *exact = false;
  for (const ColumnName& name : kNames) {
    if (ContainsWord(name.words, folded)) return &name;
  }
  return nullptr;
}

}  // namespace consentry::tools
