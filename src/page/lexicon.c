/*
 * lexicon.c
 *		The words that amounts are written out in, by language.
 *
 * They are kept here by hand: the server does not show what ICU knows of
 * spelling numbers out, and that changes with its version, while papers must
 * not.
 */
#include "lexicon.h"

static const CurrencyWords currencies[] = {
	{"UAH", 2, true,
		{{"гривня", "гривні", "гривень"},
		{"гривна", "гривны", "гривен"},
		{"hryvnia", "hryvnias", "hryvnias"}},
		{{"копійка", "копійки", "копійок"},
		{"копейка", "копейки", "копеек"},
		{"kopiyka", "kopiykas", "kopiykas"}}},
	{"RUB", 2, false,
		{{"російський рубль", "російські рублі", "російських рублів"},
		{"рубль", "рубля", "рублей"},
		{"Russian ruble", "Russian rubles", "Russian rubles"}},
		{{"копійка", "копійки", "копійок"},
		{"копейка", "копейки", "копеек"},
		{"kopeck", "kopecks", "kopecks"}}},
	{"USD", 2, false,
		{{"долар США", "долари США", "доларів США"},
		{"доллар США", "доллара США", "долларов США"},
		{"US dollar", "US dollars", "US dollars"}},
		{{"цент", "центи", "центів"},
		{"цент", "цента", "центов"},
		{"cent", "cents", "cents"}}},
	{"EUR", 2, false,
		{{"євро", "євро", "євро"},
		{"евро", "евро", "евро"},
		{"euro", "euros", "euros"}},
		{{"цент", "центи", "центів"},
		{"цент", "цента", "центов"},
		{"cent", "cents", "cents"}}},
	{"BYN", 2, false,
		{{"білоруський рубель", "білоруські рублі", "білоруських рублів"},
		{"белорусский рубль", "белорусских рубля", "белорусских рублей"},
		{"Belarusian ruble", "Belarusian rubles", "Belarusian rubles"}},
		{{"копійка", "копійки", "копійок"},
		{"копейка", "копейки", "копеек"},
		{"kopeck", "kopecks", "kopecks"}}},
	{"KZT", 2, false,
		{{"тенге", "тенге", "тенге"},
		{"тенге", "тенге", "тенге"},
		{"tenge", "tenge", "tenge"}},
		{{"тиїн", "тиїни", "тиїнів"},
		{"тиын", "тиына", "тиынов"},
		{"tiyn", "tiyn", "tiyn"}}},
	{"GBP", 2, false,
		{{"фунт стерлінгів", "фунти стерлінгів", "фунтів стерлінгів"},
		{"фунт стерлингов", "фунта стерлингов", "фунтов стерлингов"},
		{"pound sterling", "pounds sterling", "pounds sterling"}},
		{{"пенс", "пенси", "пенсів"},
		{"пенс", "пенса", "пенсов"},
		{"penny", "pence", "pence"}}},
	{"PLN", 2, false,
		{{"злотий", "злоті", "злотих"},
		{"злотый", "злотых", "злотых"},
		{"zloty", "zlotys", "zlotys"}},
		{{"грош", "гроші", "грошів"},
		{"грош", "гроша", "грошей"},
		{"grosz", "groszy", "groszy"}}},
	{"CHF", 2, false,
		{{"швейцарський франк", "швейцарські франки", "швейцарських франків"},
		{"швейцарский франк", "швейцарских франка", "швейцарских франков"},
		{"Swiss franc", "Swiss francs", "Swiss francs"}},
		{{"сантим", "сантими", "сантимів"},
		{"сантим", "сантима", "сантимов"},
		{"centime", "centimes", "centimes"}}},
	{"CZK", 2, true,
		{{"чеська крона", "чеські крони", "чеських крон"},
		{"чешская крона", "чешские кроны", "чешских крон"},
		{"Czech koruna", "Czech korunas", "Czech korunas"}},
		{{"гелер", "гелери", "гелерів"},
		{"геллер", "геллера", "геллеров"},
		{"heller", "hellers", "hellers"}}},
	{"GEL", 2, false,
		{{"ларі", "ларі", "ларі"},
		{"лари", "лари", "лари"},
		{"lari", "lari", "lari"}},
		{{"тетрі", "тетрі", "тетрі"},
		{"тетри", "тетри", "тетри"},
		{"tetri", "tetri", "tetri"}}},
	{"JPY", 0, true,
		{{"єна", "єни", "єн"},
		{"иена", "иены", "иен"},
		{"yen", "yen", "yen"}},
	{{NULL}}}
};

const NumberWords finance_number_words[NLANGUAGES] = {
	[LANGUAGE_UK] = {
		.minus = "мінус",
		.small = {"нуль", "один", "два", "три", "чотири", "п’ять", "шість", "сім", "вісім", "дев’ять", "десять",
			"одинадцять", "дванадцять", "тринадцять", "чотирнадцять", "п’ятнадцять", "шістнадцять", "сімнадцять",
			"вісімнадцять", "дев’ятнадцять"},
		.feminine = {NULL, "одна", "дві"},
		.tens = {NULL, NULL, "двадцять", "тридцять", "сорок", "п’ятдесят", "шістдесят", "сімдесят", "вісімдесят",
			"дев’яносто"},
		.hundreds = {NULL, "сто", "двісті", "триста", "чотириста", "п’ятсот", "шістсот", "сімсот", "вісімсот",
			"дев’ятсот"},
		.powers = {{"тисяча", "тисячі", "тисяч"}, {"мільйон", "мільйони", "мільйонів"},
			{"мільярд", "мільярди", "мільярдів"}, {"трильйон", "трильйони", "трильйонів"}},
	},
	[LANGUAGE_RU] = {
		.minus = "минус",
		.small = {"ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять", "десять",
			"одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать",
			"восемнадцать", "девятнадцать"},
		.feminine = {NULL, "одна", "две"},
		.tens = {NULL, NULL, "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят",
			"девяносто"},
		.hundreds = {NULL, "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот",
			"девятьсот"},
		.powers = {{"тысяча", "тысячи", "тысяч"}, {"миллион", "миллиона", "миллионов"},
			{"миллиард", "миллиарда", "миллиардов"}, {"триллион", "триллиона", "триллионов"}},
	},
	[LANGUAGE_EN] = {
		.minus = "minus",
		.small = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
			"twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"},
		.feminine = {NULL, "one", "two"},
		.tens = {NULL, NULL, "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"},
		.hundreds = {NULL, "one hundred", "two hundred", "three hundred", "four hundred", "five hundred", "six hundred",
			"seven hundred", "eight hundred", "nine hundred"},
		.powers = {{"thousand", "thousand", "thousand"}, {"million", "million", "million"},
			{"billion", "billion", "billion"}, {"trillion", "trillion", "trillion"}},
	},
};

/* The words of a currency by its code; NULL where they are not known. */
const CurrencyWords *
finance_currency_words(const char *code)
{
	for (int i = 0; i < lengthof(currencies); i++)
	{
		if (strcmp(currencies[i].code, code) == 0)
			return &currencies[i];
	}
	return NULL;
}
