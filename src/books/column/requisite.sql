-- ---------------------------------------------------------------------------
-- columns: what papers of a country say
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
country: the country, ISO 3166; NULL: nothing is demanded of its papers
party.country: the country whose papers it has, a row of country_code; NULL: nothing is demanded
party_code.country: its country, a row of country_code
country_code.code: the country, ISO 3166
country_code.rules: whose rules hold there, NULL: none
rules: whose rules these are, as country_code.rules names them
template.rules: whose papers it is for, as country_code.rules names them; NULL: of all countries
vat_prefix: what VAT numbers of the country begin with, NULL: they have no prefix
entrepreneur: is it a person in business, whose codes are those of persons?
signed_on: day on which the contract was signed, which papers name with its number
requisite.key: key of party.requisites, or tax_id
party_code.key: key of party.requisites, or tax_id
draft_requisite.key: key of party.requisites, tax_id, or what the document says of itself
person: whom it is for: companies, persons, or any
requisite.position: order in which a party's requisites are printed
in_bank: is it one of the bank details?
slip: row of the bank block of an invoice in which it stands: payee or bank
requisite.code: kind of code by which check_code() checks it, NULL: anything goes
context_key: the key whose value the check needs beside it
strict: is a paper refused for a wrong check digit of it too, not only for wrong signs?
requisite.label: what it is called, {"uk", "ru", "en"}
requisite.source: law or custom that it is from
paper_rule.source: law or custom that it is from
country_tax.source: law or custom that it is from
state_paper_rule.source: law or custom that it is from
draft_requisite.source: law or custom that it is from; check_code: its signs and digits
paper_rule.kind: kind of document
state_paper_rule.kind: kind of document beside which it is
side: whose it is: of the seller, of the buyer or of the document
paper_rule.key: key of party.requisites, tax_id, or what the document says of itself: contract, contract_date, period,
    place, tax, basis, tax_words
demand: law: without it the paper is not issued; custom: it is told
paper_rule.about: only where the seller pays VAT (payer), the buyer owes it (reverse_charge), a rate is taken (rated),
    or the buyer is of the same country (resident); NULL: always
paper_rule.valid_from: first day of issue to which it applies
country_tax.code: code that the tax gets
country_tax_rate.code: code of the tax
country_tax.kind: rated, or why no tax is taken, as in tax
country_tax.words: name of the tax, or what the paper says where none is taken, {"uk", "ru", "en"}
country_tax_rate.rate: rate in percent points
country_tax_rate.valid_from: first day on which it holds, until the next row
state_paper_rule.name: what the state calls it
due: how its last day is reckoned: days, half_month; NULL: it is not known
due_days: so many days after the supply or the issue
counts_from: what the last day counts from: supply or issue
value: what stands there, NULL: nothing
fault: what is wrong with the value, as check_code() says it, NULL: nothing
why: what is wrong: missing, or invalid and in what
required: is the document refused without it?
what_to_do: how to give it
$words$);
