-- ---------------------------------------------------------------------------
-- label: words of pages, and what a template may hold
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_labels(language text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_object_agg(l.name, l.label ORDER BY l.language = page_labels.language)
      FROM page_label l WHERE l.language IN ('en', page_labels.language);
END;
COMMENT ON FUNCTION page_labels(text) IS
    'the words of pages in a language as an object, English where the language lacks one';
SELECT allow('reader', 'execute', 'page_labels');

CREATE FUNCTION check_page_owner() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF NEW.own_id IS NOT NULL AND EXISTS (SELECT FROM party p WHERE p.id = NEW.own_id AND p.kind <> 'own') THEN
        RAISE EXCEPTION 'party % is not an own company', NEW.own_id
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_of_own_company',
                HINT = 'Pages carry the brand of the company that issues them: a party of kind own.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_page_owner() IS 'trigger function of brand and template: own_id is an own company (23514)';

-- Everything that document_data() gives, once: what a template may name.
CREATE FUNCTION page_sample() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('label', page_labels('en')) || $${
        "language": "en", "kind": "invoice", "heading": "Invoice", "number": "2026/03-0001",
        "number_line": "No. 2026/03-0001",
        "page_title": "Invoice No. 2026/03-0001", "title": "March", "date": "31 March 2026", "due": "14 April 2026",
        "period": "1 Mar 2026 – 31 Mar 2026", "contract": "A-1 of 1 January 2026", "place": "London",
        "project": "Web shop", "task": "17 Cart",
        "basis": "Work report No. 2026/03-0001 of 31 March 2026",
        "currency": "EUR", "requirements": "", "note": "", "meaning": "", "gross_label": "Total due",
        "brand": {"name": "Agency", "logo": null, "accent": "#1f5673", "ink": "#1d252c", "footer": null},
        "own": {"name": "Agency Ltd", "address": "1 High Street", "tax_id": "123", "email": null, "signatory": null,
                "signatory_title": null, "place": "London",
            "requisites": [{"name": "Tax ID", "value": "123"}], "bank": [{"name": "IBAN", "value": "GB00"}]},
        "client": {"name": "Client Ltd", "address": "1 High Street", "tax_id": "123", "email": null,
                   "signatory": null, "signatory_title": null, "place": null,
            "requisites": [{"name": "Tax ID", "value": "123"}], "bank": [{"name": "IBAN", "value": "GB00"}]},
        "show": {"lines": true, "groups": true, "hours": true, "quantity": true, "discount": true, "tax_rate": true,
                 "clock": true, "summed": true},
        "groups": [{"title": "Web shop", "hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "rows": [
            {"no": 1, "title": "Cart", "url": "https://tracker.example/17", "days": "3 Mar", "unit": "h",
             "quantity": "1.00", "price": "100.00",
             "discount": "5%", "hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "net": "100.00",
             "tax_rate": "20%", "tax": "20.00",
             "gross": "120.00", "free": false, "coverage": "no charge", "pieces": "2"}],
         "tasks": [
            {"no": 1, "title": "Cart", "url": "https://tracker.example/17", "days": "3 Mar", "unit": "h",
             "quantity": "1.00", "price": "100.00",
             "discount": "5%", "hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "net": "100.00",
             "tax_rate": "20%", "tax": "20.00",
             "gross": "120.00", "free": false, "coverage": "no charge", "pieces": "2", "several": true, "lines": [
                {"no": 1, "title": "Cart", "url": "https://tracker.example/17", "days": "3 Mar", "unit": "h",
                 "quantity": "1.00", "price": "100.00",
                 "discount": "5%", "hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00",
                 "net": "100.00", "tax_rate": "20%", "tax": "20.00",
                 "gross": "120.00", "free": false, "coverage": "no charge", "pieces": "2"}]}]}],
        "summary": {"facts": [{"name": "Total", "value": "EUR 114.00"}],
            "before": {"period": "1 Feb 2026 – 28 Feb 2026", "gross_money": "EUR 100.00", "hours_billed": "1.00",
                       "gross_change": "+14.00", "hours_change": "+0.50"}},
        "totals": {"hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "discount": "5.00",
                   "net": "95.00", "tax": "19.00", "gross": "114.00",
            "gross_money": "EUR 114.00", "words": "One hundred fourteen euros and 00 cents",
            "tax_words": "Nineteen euros and 00 cents", "tax_line": "incl. VAT 20% – 19.00", "taxed": true,
            "tax_free": true, "inclusive": false,
            "taxes": [{"name": "VAT 20%", "base": "95.00", "amount": "19.00"}]},
        "payment": {"beneficiary": "Agency Ltd", "purpose": "Invoice No. 2026/03-0001",
                    "slip": [{"note": "Beneficiary", "who": "Agency Ltd", "codes": [{"name": "INN", "value": "1"}],
                              "cells": [{"name": "Account", "value": "1"}]}],
                    "requisites": [{"name": "IBAN", "value": "GB00"}]}}$$::jsonb;
END;
COMMENT ON FUNCTION page_sample() IS
    'every name that a template may use, with an example; amounts, hours and dates come as text, written for the '
    'language';
SELECT allow('reader', 'execute', 'page_sample');

CREATE FUNCTION check_template_body() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF NEW.kind <> 'statement'
        AND NOT EXISTS (SELECT FROM document_kind k WHERE k.kind = NEW.kind AND k.incoming IS NOT true) THEN
        RAISE EXCEPTION 'documents of kind "%" have no page', NEW.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'template_kind_known', TABLE = 'template',
                HINT = format('Use one of %s, or statement.', (
                    SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM document_kind k
                     WHERE k.incoming IS NOT true));
    END IF;
    PERFORM check_template(NEW.body, CASE NEW.kind WHEN 'statement' THEN statement_sample()
                                                   ELSE page_sample() END);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_template_body() IS
    'trigger function of template: refuse a kind that has no page (23514) and, with the line, a body that does not '
    'parse or names what pages do not have (22023)';
