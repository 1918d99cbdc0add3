package schedule

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatAWSAcceptsIsAccepted(t *testing.T) {
	for _, c := range []struct {
		name, text string
		kind       Kind
	}{
		{"case 308: seven fields, the second first", "cron(30 0 10 * * ? *)", Cron},
		{"case 316: one hour", "rate(1 hour)", Rate},
		{"case 316: one hours", "rate(1 hours)", Rate},
		{"case 316: five hour", "rate(5 hour)", Rate},
		{"blanks inside a rate", "rate( 5   minutes )", Rate},
		{"blanks inside an at", "at( 2026-02-28T10:00:00 )", At},
		{"blanks outside", "  at(2026-02-28T10:00:00)\n", At},
		{"a leap day", "at(2028-02-29T23:59:59)", At},
		{"leading zeros", "cron(05 08 01 01 ? 2026)", Cron},
		{"the longest rate", "rate(106751 days)", Rate},
		{"EB-CRON: steps in a wrapping range", "cron(0/30 20-2 ? * MON-FRI *)", Cron},
		{"a whole range", "cron(0-59 0-23 1-31 1-12 ? 1970-2199)", Cron},
		{"a range of one", "cron(5-5 8 ? * SUN-SUN *)", Cron},
		{"seven fields with a list of seconds", "cron(0,15/5,30-45 0 8 ? * MON *)", Cron},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Parse(c.text)
			if err != nil || e.Kind() != c.kind || e.String() != strings.TrimSpace(c.text) {
				t.Errorf("%q is %s %q, %v", c.text, e.Kind(), e, err)
			}
		})
	}
}

// mistake is a text, the part of it that is wrong, a part of what is said about that, and what was meant.
type mistake struct{ name, text, wrong, says, meant string }

func checkMistakes(t *testing.T, all []mistake) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.text)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("%s is accepted", c.text)
			}
			if got := e.Text[e.Offset : e.Offset+e.Length]; got != c.wrong || e.Text != c.text {
				t.Errorf("%s: points at %q, want %q", c.text, got, c.wrong)
			}
			if !strings.Contains(e.Message(), c.says) {
				t.Errorf("%s: says %q, want something with %q", c.text, e.Message(), c.says)
			}
			if e.Correction != c.meant || c.meant != "" && !strings.HasSuffix(e.Hint, "did you mean "+c.meant+"?") {
				t.Errorf("%s: takes it for %q with hint %q, want %q", c.text, e.Correction, e.Hint, c.meant)
			}
		})
	}
}

func TestMistakesInCronAreNamedWithTheirPlaceAndWhatWasMeant(t *testing.T) {
	checkMistakes(t, []mistake{
		{"case 302: neither day field is ?", "cron(0 10 * * * *)", "*", "exactly one of day-of-month and day-of-week must be ?, but neither is", "cron(0 10 * * ? *)"},
		{"case 304: both are", "cron(0 10 ? * ? *)", "?", "but both are", "cron(0 10 * * ? *)"},
		{"case 305: AWS's old example", "cron(30 6 * * 2 *)", "*", "Sunday is 1, so 2 is MON", "cron(30 6 ? * 2 *)"},
		{"a name in its place", "cron(30 6 * * MON *)", "*", "but neither is", "cron(30 6 ? * MON *)"},
		{"a day of the month and every day of the week", "cron(30 6 1 * * *)", "*", "but neither is", "cron(30 6 1 * ? *)"},
		{"days of both kinds", "cron(0 10 1,15 * MON *)", "MON", "take two expressions, cron(0 10 1,15 * ? *) and cron(0 10 ? * MON *)", ""},

		{"case 307: five fields of AWS", "cron(0 10 * * ?)", "0 10 * * ?", "has 5 fields but needs six: minutes hours day-of-month month day-of-week year; the year is missing", "cron(0 10 * * ? *)"},
		{"crontab's Sunday is 0", "cron(0 10 * * 0)", "0 10 * * 0", "this looks like crontab", "cron(0 10 ? * SUN *)"},
		{"and 7", "cron(0 10 * * 7)", "0 10 * * 7", "this looks like crontab", "cron(0 10 ? * SUN *)"},
		{"crontab's 1-5 are Monday to Friday", "cron(0 10 * * 1-5)", "0 10 * * 1-5", "this looks like crontab", "cron(0 10 ? * MON-FRI *)"},
		{"a list with a range to Sunday and a step", "cron(0 10 * * 1,5-7/2,0)", "0 10 * * 1,5-7/2,0", "this looks like crontab", "cron(0 10 ? * MON,FRI-SUN/2,SUN *)"},
		{"every day of crontab's week", "cron(0 10 * * 0-7)", "0 10 * * 0-7", "this looks like crontab", "cron(0 10 ? * SUN-SAT *)"},
		{"names stay", "cron(0 10 * * mon)", "0 10 * * mon", "this looks like crontab", "cron(0 10 ? * mon *)"},
		{"every day in crontab", "cron(*/5 * * * *)", "*/5 * * * *", "this looks like crontab", "cron(*/5 * * * ? *)"},
		{"a day of the month in crontab", "cron(0 0 1 * *)", "0 0 1 * *", "this looks like crontab", "cron(0 0 1 * ? *)"},
		{"both day fields of crontab", "cron(0 0 1 * 5)", "0 0 1 * 5", "two expressions, cron(0 0 1 * ? *) and cron(0 0 ? * FRI *)", ""},
		{"crontab with a second mistake", "cron(/5 10 * * 1)", "/5 10 * * 1", "this looks like crontab", "cron(*/5 10 ? * MON *)"},
		{"crontab with an hour 24 of every day", "cron(0 24 * * *)", "0 24 * * *", "this looks like crontab", "cron(0 0 * * ? *)"},
		{"crontab with an hour 24 of some days", "cron(0 24 * * 1)", "0 24 * * 1", "this looks like crontab", ""},
		{"crontab with a mistake that nobody can correct", "cron(0 25 * * 1)", "0 25 * * 1", "this looks like crontab", ""},
		{"crontab with a day that does not exist", "cron(0 0 1 * 8)", "0 0 1 * 8", "has 5 fields", ""},
		{"four fields", "cron(0 10 * *)", "0 10 * *", "has 4 fields but needs six", ""},
		{"eight fields", "cron(0 0 10 * * ? * *)", "0 0 10 * * ? * *", "has 8 fields but needs six", ""},
		{"no fields", "cron( )", "cron( )", "is empty but needs six fields", ""},
		{"Quartz without year", "cron(0 0 12 * * ?)", "?", "seconds first and no year", "cron(0 12 * * ? *)"},
		{"Quartz with a day of the week", "cron(0 30 8 ? * MON-FRI)", "MON-FRI", "seconds first and no year", "cron(30 8 ? * MON-FRI *)"},
		{"crontab with seconds", "cron(0 30 8 * * MON-FRI)", "MON-FRI", "seconds first and no year", "cron(30 8 ? * MON-FRI *)"},
		{"a second that does not exist", "cron(60 0 8 ? * MON *)", "60", "seconds must be from 0 to 59, not 60; 60 is second 0 of the next minute; the first of seven fields is the second", ""},

		{"case 310: hour 24", "cron(0 24 * * ? *)", "24", "hours must be from 0 to 23, not 24; midnight is 0", "cron(0 0 * * ? *)"},
		{"hour 24 without a day of the month", "cron(0 24 ? * * *)", "24", "not 24; midnight is 0", "cron(0 0 ? * * *)"},
		{"hour 24 in a list of hours", "cron(0 12,24 * * ? *)", "24", "not 24; midnight is 0", "cron(0 12,0 * * ? *)"},
		{"hour 24 of a day of the week", "cron(0 24 ? * FRI *)", "24", "hours must be from 0 to 23, not 24; 24 is hour 0 of the next day", ""},
		{"hour 24 of a day of the month", "cron(0 24 31 * ? *)", "24", "24 is hour 0 of the next day", ""},
		{"hour 24 in a month", "cron(0 24 * JAN ? *)", "24", "24 is hour 0 of the next day", ""},
		{"hour 24 in a year", "cron(0 24 * * ? 2026)", "24", "24 is hour 0 of the next day", ""},
		{"hours to 24, which are not those to 0", "cron(0 0-24 * * ? *)", "24", "24 is hour 0 of the next day", ""},
		{"minute 60", "cron(60 8 * * ? *)", "60", "minutes must be from 0 to 59, not 60; 60 is minute 0 of the next hour", ""},
		{"? for every year", "cron(0 0 * * ? ?)", "?", "year cannot be ?, which stands in a day field", "cron(0 0 * * ? *)"},
		{"? for every year after a day of the week", "cron(0 8 ? * MON ?)", "?", "year cannot be ?", "cron(0 8 ? * MON *)"},
		{"case 311: day of the week 0", "cron(0 0 ? * 0 *)", "0", "day-of-week must be from 1 to 7 or SUN to SAT, not 0; Sunday is 1", "cron(0 0 ? * SUN *)"},
		{"0 in a range of crontab", "cron(0 0 ? * 0-4 *)", "0", "Sunday is 1", "cron(0 0 ? * SUN-4 *)"},
		{"day of the week 8", "cron(0 0 ? * 8 *)", "8", "day-of-week must be from 1 to 7 or SUN to SAT, not 8", ""},
		{"case 313: year 1969", "cron(0 0 * * ? 1969)", "1969", "year must be from 1970 to 2199, not 1969", ""},
		{"case 314: year 2200", "cron(0 0 * * ? 2200)", "2200", "year must be from 1970 to 2199, not 2200", ""},
		{"a year of two digits", "cron(0 0 * * ? 26)", "26", "year must be from 1970 to 2199, not 26", "cron(0 0 * * ? 2026)"},
		{"month 13", "cron(0 0 1 13 ? *)", "13", "month must be from 1 to 12 or JAN to DEC, not 13", ""},
		{"day 0", "cron(0 0 0 * ? *)", "0", "day-of-month must be from 1 to 31, not 0", ""},
		{"day 32 in a list", "cron(0 0 1,32 * ? *)", "32", "day-of-month must be from 1 to 31, not 32", ""},
		{"a number beyond measure", "cron(99999999999999999999 0 1 * ? *)", "99999999999999999999", "minutes must be from 0 to 59", ""},
		{"a sign", "cron(+5 0 1 * ? *)", "+5", "minutes must be from 0 to 59, not \"+5\"", ""},
		{"the name in full", "cron(0 0 ? * MONDAY *)", "MONDAY", "day-of-week must be", "cron(0 0 ? * MON *)"},
		{"a misspelt name", "cron(0 0 ? * MNO *)", "MNO", "from 1 to 7 or SUN to SAT, not \"MNO\"", ""},
		{"a name in the wrong field", "cron(0 0 ? MON * *)", "MON", "MON is a value of day-of-week; the order is minutes hours", ""},
		{"another one", "cron(0 0 WED * ? *)", "WED", "WED is a value of day-of-week", ""},
		{"? for every minute", "cron(? 0 * * ? *)", "?", "minutes cannot be ?", "cron(* 0 * * ? *)"},
		{"? in a list", "cron(0 0 1,? * * *)", "1,?", "? stands alone in day-of-month", ""},
		{"an empty entry", "cron(0 8,,9 * * ? *)", "8,,9", "hours has an empty entry", ""},
		{"a blank after a comma", "cron(0 8, 9 * * ? *)", "8,", "has an empty entry; a list is written without blanks", ""},
		{"half a range", "cron(0 8- * * ? *)", "8-", "a value is missing in hours", ""},
		{"years that run backwards", "cron(0 8 * * ? 2030-2026)", "2030-2026", "the years \"2030-2026\" run backwards", "cron(0 8 * * ? 2026-2030)"},

		{"a step of 0", "cron(0/0 * * * ? *)", "0", "the step of minutes must be from 1 to 60, not 0", ""},
		{"a step beyond the field", "cron(0/90 * * * ? *)", "90", "for every 90 minutes write rate(90 minutes)", ""},
		{"a step of letters", "cron(0/x * * * ? *)", "x", "the step of minutes must be from 1 to 60, not \"x\"", ""},
		{"a step that is missing", "cron(0/ * * * ? *)", "0/", "minutes has no number after the slash", ""},
		{"a step of nothing", "cron(/5 * * * ? *)", "/5", "minutes has nothing before the slash", "cron(*/5 * * * ? *)"},

		{"L in hours", "cron(0 L * * ? *)", "L", "L stands in day-of-month and day-of-week", ""},
		{"W without a day", "cron(0 0 W * ? *)", "W", "W needs a day before it", ""},
		{"W after a range", "cron(0 0 1-5W * ? *)", "1-5", "W follows one day", ""},
		{"WL", "cron(0 0 WL * ? *)", "WL", "written LW", "cron(0 0 LW * ? *)"},
		{"days before the last", "cron(0 0 L-3 * ? *)", "L-3", "the last day is L", ""},
		{"L after a day of the month", "cron(0 0 15L * ? *)", "15L", "the last day is L", ""},
		{"L after a day that does not exist", "cron(0 0 ? * 8L *)", "8", "L follows one day", ""},
		{"two #, EB-CRON", "cron(0 0 ? * 3#1,6#3 *)", "6#3", "only one entry with #", ""},
		{"the sixth Tuesday", "cron(0 0 ? * 3#6 *)", "6", "the number after # must be from 1 to 5, not 6", ""},
		{"no number after #", "cron(0 0 ? * 3# *)", "3#", "must be from 1 to 5", ""},
		{"# after day 0", "cron(0 0 ? * 0#1 *)", "0", "Sunday is 1", "cron(0 0 ? * SUN#1 *)"},
		{"# in day-of-month", "cron(0 0 3#1 * ? *)", "3#1", "# in day-of-week", ""},
	})
}

func TestMistakesInRateAndAtAreNamedWithTheirPlaceAndWhatWasMeant(t *testing.T) {
	checkMistakes(t, []mistake{
		{"case 317: rate 0", "rate(0 minutes)", "0", "the number must be at least 1, not 0", ""},
		{"a negative rate", "rate(-5 minutes)", "-5", "at least 1", ""},
		{"a sign", "rate(+5 minutes)", "+5", "a whole number", "rate(5 minutes)"},
		{"case 319: weeks", "rate(1 week)", "week", "the unit must be minutes, hours or days, not \"week\"", "rate(7 days)"},
		{"case 320: seconds", "rate(30 seconds)", "seconds", "the finest interval is 1 minute", "rate(1 minute)"},
		{"seconds that are hours", "rate(7200 seconds)", "seconds", "the finest interval is 1 minute", "rate(2 hours)"},
		{"months", "rate(1 month)", "month", "write cron(0 0 1 * ? *)", ""},
		{"an unknown unit", "rate(1 fortnight)", "fortnight", "the unit must be minutes, hours or days", ""},
		{"an abbreviation", "rate(5 min)", "min", "the unit must be", "rate(5 minutes)"},
		{"upper case", "rate(5 Minutes)", "Minutes", "the unit must be", "rate(5 minutes)"},
		{"no blank", "rate(5minutes)", "5minutes", "a blank is missing", "rate(5 minutes)"},
		{"Go's duration", "rate(5m)", "5m", "a blank is missing", "rate(5 minutes)"},
		{"no unit", "rate(5)", "5", "the unit is missing after 5", ""},
		{"no number", "rate(hour)", "hour", "the number is missing", "rate(1 hour)"},
		{"neither", "rate()", "rate()", "one number and one unit", ""},
		{"a word", "rate(often)", "often", "one number and one unit", ""},
		{"a fraction", "rate(1.5 hours)", "1.5", "a whole number", "rate(90 minutes)"},
		{"a fraction of a minute", "rate(0.5 minutes)", "0.5", "a whole number", ""},
		{"two units", "rate(1 hour 30 minutes)", "1 hour 30 minutes", "one number and one unit", ""},
		{"every", "rate(every 5 minutes)", "every 5 minutes", "one number and one unit", "rate(5 minutes)"},
		{"more than 292 years", "rate(106752 days)", "106752", "at most 106751 days", ""},
		{"more than 64 bits", "rate(99999999999999999999 minutes)", "99999999999999999999", "at most 153722867 minutes", ""},

		{"case 322: the time is missing", "at(2026-02-28)", "2026-02-28", "at(...) needs a date and a time", "at(2026-02-28T00:00:00)"},
		{"Z", "at(2026-02-28T10:00:00Z)", "Z", "takes a local time", "at(2026-02-28T10:00:00)"},
		{"an offset", "at(2026-02-28T10:00:00+02:00)", "+02:00", "takes a local time", "at(2026-02-28T10:00:00)"},
		{"a blank for the T", "at(2026-02-28 10:00:00)", " ", "separated by T", "at(2026-02-28T10:00:00)"},
		{"no seconds", "at(2026-02-28T10:00)", "2026-02-28T10:00", "needs the seconds", "at(2026-02-28T10:00:00)"},
		{"a fraction of a second", "at(2026-02-28T10:00:00.5)", ".5", "whole seconds", "at(2026-02-28T10:00:00)"},
		{"one digit", "at(2026-2-8T9:00:00)", "2026-2-8T9:00:00", "two digits", "at(2026-02-08T09:00:00)"},
		{"30 February", "at(2026-02-30T10:00:00)", "30", "February 2026 has 28 days", ""},
		{"month 13", "at(2026-13-01T10:00:00)", "13", "the month must be from 1 to 12", ""},
		{"month 0", "at(2026-00-01T10:00:00)", "00", "the month must be from 1 to 12", ""},
		{"hour 24", "at(2026-12-31T24:00:00)", "24", "midnight is 00:00:00", "at(2027-01-01T00:00:00)"},
		{"second 60", "at(2026-12-31T23:59:60)", "60", "the second must be from 0 to 59", ""},
		{"a word", "at(noon)", "noon", "yyyy-mm-ddThh:mm:ss", ""},
		{"nothing", "at()", "at()", "yyyy-mm-ddThh:mm:ss", ""},
	})
}

func TestMistakesAroundTheParenthesesAreNamedWithTheirPlaceAndWhatWasMeant(t *testing.T) {
	checkMistakes(t, []mistake{
		{"nothing", "", "", "the expression is empty", ""},
		{"blanks", "  ", "", "the expression is empty", ""},
		{"a word", "daily", "daily", "one of the forms at(", ""},
		{"crontab's nickname", "@daily", "@daily", "one of the forms", "cron(0 0 * * ? *)"},
		{"in upper case", "CRON(0 8 ? * MON-FRI *)", "CRON", "in lower case", "cron(0 8 ? * MON-FRI *)"},
		{"with a capital", "Rate(5 minutes)", "Rate", "in lower case", "rate(5 minutes)"},
		{"a blank before the parenthesis", "cron (0 8 ? * MON-FRI *)", "cron ", "directly before", "cron(0 8 ? * MON-FRI *)"},
		{"never closed", "cron(0 8 ? * MON-FRI *", "cron(", "cron( is never closed", "cron(0 8 ? * MON-FRI *)"},
		{"closed too early", "cron(0 8) ? * MON-FRI *", "? * MON-FRI *", "nothing may follow", ""},
		{"something behind it", "rate(5 minutes);", ";", "nothing may follow", "rate(5 minutes)"},
		{"cron without its word", "0 8 ? * MON-FRI *", "0 8 ? * MON-FRI *", "one of the forms", "cron(0 8 ? * MON-FRI *)"},
		{"crontab without a word", " 0 8 * * 1-5 ", "0 8 * * 1-5", "one of the forms", "cron(0 8 ? * MON-FRI *)"},
		{"rate without its word", "5 minutes", "5 minutes", "one of the forms", "rate(5 minutes)"},
		{"every", "every 2 hours", "every 2 hours", "one of the forms", "rate(2 hours)"},
		{"at without its word", "2026-01-31T17:00:00", "2026-01-31T17:00:00", "one of the forms", "at(2026-01-31T17:00:00)"},
		{"parentheses alone", "(0 8 * * ? *)", "(0 8 * * ? *)", "one of the forms", "cron(0 8 * * ? *)"},
		{"no parentheses", "rate 5 minutes", "rate 5 minutes", "one of the forms", "rate(5 minutes)"},
		{"a line break where a blank is meant", "cron(0\n10 1 * MON *)", "MON", "take two expressions, cron(0 10 1 * ? *) and cron(0 10 ? * MON *)", ""},
		{"another word", "every(5 minutes)", "every", `not "every"`, "rate(5 minutes)"},
		{"longer than AWS takes", "cron(" + strings.Repeat("0", MaxLength) + ")", "cron(" + strings.Repeat("0", MaxLength) + ")", "at most 1600 bytes, this one has 1606", ""},
	})
}

func TestAnErrorIsOneLineWithTheTextTheProblemAndTheHint(t *testing.T) {
	_, err := Parse("cron(0 24 * * ? *)")
	const want = `schedule "cron(0 24 * * ? *)": hours must be from 0 to 23, not 24; midnight is 0; did you mean cron(0 0 * * ? *)?`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestExpressionsAreTheSameIfTheirTextsAre(t *testing.T) {
	a, b, c := expression(t, "rate(1 hour)"), expression(t, " rate(1 hour) "), expression(t, "rate(60 minutes)")
	if !a.Equal(b) || a.Equal(c) {
		t.Errorf("%s and %s: %v; %s and %s: %v", a, b, a.Equal(b), a, c, a.Equal(c))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", " ", "cron(0 8 ? * MON-FRI *)", "cron(30 0/5 20-2/3 1,15W,L,LW JAN-MAR ? 2026-2030)", "cron(0 0 ? * MON,6L,3#2 *)", "rate(5 minutes)", "rate(1.5 hours)",
		"at(2026-01-31T17:00:00)", "at(2026-1-31 7:00+02:00)", "CRON(0 24 * * 1-5)", "0 8 * * 0-7/2", "@daily", "every 5 m", "cron(0 0 12 ? * MON#2)", "cron(\u00a00\u20288,,9 é * ? *)",
		"cron(0 8 ? * MON-FRI *) x", "rate(" + strings.Repeat("9", 400) + " days)", "cron(\xff 8 * * ? *)", "at(", "cron(((", "rate(1 ſeconds)", "cron(0 0 ? * ﬀ *)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			checkMistake(t, text, err)
			return
		}
		again, err := Parse(e.String())
		if err != nil || !again.Equal(e) || e.String() != strings.TrimSpace(text) {
			t.Fatalf("%q reads as %q, and that as %q, %v", text, e, again, err)
		}
		from := utc(t, "2026-01-01 00:00")
		if next, ok := (&Schedule{Expression: e}).Next(from, from); ok && !next.After(from) {
			t.Fatalf("%s: fires at %s after %s", e, next, from)
		}
	})
}

// checkMistake checks what holds for every error.
func checkMistake(t *testing.T, text string, err error) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Text != text || e.Problem == "" || strings.ContainsAny(e.Error(), "\n\r") {
		t.Fatalf("%q: %+v", text, err)
	}
	if e.Offset < 0 || e.Length < min(1, len(strings.TrimSpace(text))) || e.Offset+e.Length > len(text) {
		t.Fatalf("%q: points at %d+%d", text, e.Offset, e.Length)
	}
	if e.Correction == "" {
		return
	}
	if _, err := Parse(e.Correction); err != nil {
		t.Fatalf("%q: the correction is wrong itself: %v", text, err)
	}
}
