/*
 * digit.h
 *		Check digits of codes: each tells what is wrong with a code that is
 *		written as it should be, NULL for nothing.
 */
#ifndef FINANCE_DIGIT_H
#define FINANCE_DIGIT_H

#include "finance.h"

typedef const char *(*DigitFault) (const char *code, const char *context);

extern const char *finance_digit_edrpou(const char *code, const char *context);
extern const char *finance_digit_rnokpp(const char *code, const char *context);
extern const char *finance_digit_ipn(const char *code, const char *context);
extern const char *finance_digit_inn(const char *code, const char *context);
extern const char *finance_digit_ogrn(const char *code, const char *context);
extern const char *finance_digit_account(const char *code, const char *context);
extern const char *finance_digit_correspondent(const char *code, const char *context);
extern const char *finance_digit_unp(const char *code, const char *context);
extern const char *finance_digit_bin(const char *code, const char *context);
extern const char *finance_digit_kbe(const char *code, const char *context);
extern const char *finance_digit_eu_vat(const char *code, const char *context);
extern const char *finance_digit_iban(const char *code, const char *context);

#endif							/* FINANCE_DIGIT_H */
