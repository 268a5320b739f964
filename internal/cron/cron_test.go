package cron_test

import (
	"strings"
	"testing"
	"time"

	"maestro/internal/cron"
)

func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about, text, zone, from string
		want                    []string // RFC 3339; "never"
	}{
		{"unix, every half hour", "*/30 * * * *", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-01T00:30:00Z", "2024-01-01T01:00:00Z"}},
		{"a fire at the very moment is past", "0 0 * * *", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-02T00:00:00Z"}},
		{"fractions of a second do not matter", "0 0 * * *", "UTC", "2024-01-01T23:59:59.9Z", []string{"2024-01-02T00:00:00Z"}},
		{"week days by name", "0 3 * * MON-FRI", "UTC", "2024-01-05T04:00:00Z", []string{"2024-01-08T03:00:00Z", "2024-01-09T03:00:00Z"}},
		{"Sunday is 0 and 7", "0 0 * * 7", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-07T00:00:00Z", "2024-01-14T00:00:00Z"}},
		{"Friday to Sunday", "0 0 * * 5-7", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-05T00:00:00Z", "2024-01-06T00:00:00Z", "2024-01-07T00:00:00Z", "2024-01-12T00:00:00Z"}},
		{"both days restricted: either", "0 0 13 * 5", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-05T00:00:00Z", "2024-01-12T00:00:00Z", "2024-01-13T00:00:00Z"}},
		{"lists, steps from a value", "5/20 8,20 * * *", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-01T08:05:00Z", "2024-01-01T08:25:00Z", "2024-01-01T08:45:00Z", "2024-01-01T20:05:00Z"}},
		{"leap day", "0 0 29 FEB *", "UTC", "2024-03-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},
		{"a day that never comes", "0 0 30 2 *", "UTC", "2024-03-01T00:00:00Z", []string{"never"}},
		{"quartz", "0 0 12 1/1 * ? *", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-01T12:00:00Z", "2024-01-02T12:00:00Z"}},
		{"quartz with seconds", "0/30 * * * * ?", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-01T00:00:30Z", "2024-01-01T00:01:00Z"}},
		{"quartz, Sunday is 1", "0 0 0 ? * 1", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-07T00:00:00Z"}},
		{"quartz, last day", "0 0 0 L * ?", "UTC", "2024-01-31T00:00:00Z", []string{"2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z"}},
		{"quartz, third from last day", "0 0 0 L-3 * ?", "UTC", "2024-02-01T00:00:00Z", []string{"2024-02-26T00:00:00Z"}},
		{"quartz, last working day", "0 0 0 LW * ?", "UTC", "2024-03-01T00:00:00Z", []string{"2024-03-29T00:00:00Z"}},
		{"quartz, nearest working day", "0 0 0 15W * ?", "UTC", "2024-06-01T00:00:00Z", []string{"2024-06-14T00:00:00Z", "2024-07-15T00:00:00Z"}},
		{"quartz, nearest working day stays in the month", "0 0 0 1W * ?", "UTC", "2024-06-01T00:00:00Z", []string{"2024-06-03T00:00:00Z"}},
		{"quartz, last Friday", "0 0 0 ? * 6L", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-26T00:00:00Z"}},
		{"quartz, third Friday", "0 0 0 ? * FRI#3", "UTC", "2024-01-01T00:00:00Z", []string{"2024-01-19T00:00:00Z"}},
		{"quartz, range over the end of the week", "0 0 0 ? * SAT-MON", "UTC", "2024-01-02T00:00:00Z", []string{"2024-01-06T00:00:00Z", "2024-01-07T00:00:00Z", "2024-01-08T00:00:00Z"}},
		{"quartz, year", "0 0 0 1 1 ? 2030", "UTC", "2024-01-01T00:00:00Z", []string{"2030-01-01T00:00:00Z", "never"}},
		{"quartz, year in the past", "0 0 0 1 1 ? 1999", "UTC", "2024-01-01T00:00:00Z", []string{"never"}},
		{"zone", "0 3 * * *", "Europe/Paris", "2024-01-01T00:00:00Z", []string{"2024-01-01T02:00:00Z"}},

		{"a skipped time of day fires after the gap", "30 2 * * *", "Europe/Paris", "2024-03-30T12:00:00Z", []string{"2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"}},
		{"two in one gap fire once", "15,45 2 * * *", "Europe/Paris", "2024-03-30T12:00:00Z", []string{"2024-03-31T01:00:00Z", "2024-04-01T00:15:00Z"}},
		{"a repeated time of day fires once", "30 2 * * *", "Europe/Paris", "2024-10-26T12:00:00Z", []string{"2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}},
		{"from within the repeated hour", "30 2 * * *", "Europe/Paris", "2024-10-27T01:10:00Z", []string{"2024-10-28T01:30:00Z"}},
		{"hourly goes on through the gap", "30 * * * *", "Europe/Paris", "2024-03-31T00:00:00Z", []string{"2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z"}},
		{"hourly goes on through the repeated hour", "30 * * * *", "Europe/Paris", "2024-10-27T00:00:00Z", []string{"2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-27T02:30:00Z"}},
		{"half an hour of daylight", "0 * * * *", "Australia/Lord_Howe", "2024-10-05T14:30:00Z", []string{"2024-10-05T16:00:00Z", "2024-10-05T17:00:00Z"}},
		{"midnight that does not exist", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", []string{"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
	} {
		s, err := cron.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.about, err)
			continue
		}
		zone, err := cron.Zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, c.from)
		at = at.In(zone)
		for _, want := range c.want {
			next, ok := s.Next(at)
			got := "never"
			if ok {
				got = next.UTC().Format(time.RFC3339)
			}
			if got != want {
				t.Errorf("%s: %q in %s after %s: got %s, want %s", c.about, c.text, c.zone, at, got, want)
			}
			at = next
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "is empty",
		"every day":             "has 2 fields",
		"@daily":                "use a trigger of type PREDEFINED",
		"* * * *":               "has 4 fields",
		"60 * * * *":            "minute: 60 is not in range [0, 59]",
		"* 24 * * *":            "hour: 24 is not in range [0, 23]",
		"* * 0 * *":             "day of month: 0 is not in range [1, 31]",
		"* * * 13 *":            "month: 13 is not in range [1, 12]",
		"* * * * 8":             "day of week: 8 is not in range [0, 7]",
		"* * * * FOO":           `day of week: "FOO" is neither`,
		"*/0 * * * *":           "step \"0\"",
		"*/61 * * * *":          "must be a number from 1 to 60",
		"5-3 * * * *":           "runs backwards",
		"1,,2 * * * *":          `minute: "" is neither`,
		"+5 * * * *":            `minute: "+5" is neither`,
		"-5 * * * *":            `minute: "" is neither`,
		"* * ? * *":             `day of month: "?" is neither`,
		"0 0 L * *":             `day of month: "L" is neither`,
		"0 0 3 * * *":           "exactly one of day of month and day of week must be ?",
		"0 0 3 ? * ?":           "exactly one of day of month and day of week must be ?",
		"0 0 3 L-40 * ?":        "L- and a number",
		"0 0 3 ? * 6#6":         "a number from 1 to 5",
		"0 0 3 ? * 0":           "not in range [1, 7]",
		"0 0 3 1 1 ? 1950":      "not in range [1970, 2099]",
		"0 0 3 1 1 ? 2030-2020": "runs backwards",
	} {
		_, err := cron.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q", text, err, want)
		}
	}
}

func TestZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]int{
		"": 0, "UTC": 0, "Z": 0, "Europe/Paris": 3600, "US/Pacific": -8 * 3600, "+05:00": 5 * 3600, "UTC+8": 8 * 3600,
		"GMT-3": -3 * 3600, "-0330": -(3*3600 + 1800), "UTC+05:30": 5*3600 + 1800,
	} {
		loc, err := cron.Zone(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, got := at.In(loc).Zone(); got != want {
			t.Errorf("%s: got offset %d, want %d", name, got, want)
		}
	}
	for _, name := range []string{"Mars/Base", "Local", "UTC+19", "+5:00", "GMT+a", "../etc/passwd", "+12:60"} {
		if _, err := cron.Zone(name); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestNextIsMonotonic walks schedules through changes of the clock: every fire is later than the one before it.
func TestNextIsMonotonic(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"*/7 * * * *", "30 1,2,3 * * *", "0 0 * * *", "*/20 0-3 * * SUN", "0 0 0 LW * ?"} {
			s, err := cron.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2018, 1, 1, 0, 0, 0, 0, loc)
			for range 3000 {
				next, ok := s.Next(at)
				if !ok || !next.After(at) {
					t.Fatalf("%q in %s: got %s (%t) after %s", text, zone, next, ok, at)
				}
				at = next
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"* * * * *", "0 0 12 1/1 * ? *", "0 0 0 LW * ?", "0 0 0 ? * FRI#3", "5-3 */9 L JAN-MAR 6L"} {
		f.Add(s)
	}
	from := time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := cron.Parse(text)
		if err != nil {
			return
		}
		if next, ok := s.Next(from); ok && !next.After(from) {
			t.Errorf("%q fires at %s, not after %s", text, next, from)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	s, err := cron.Parse("0 3 * * MON-FRI")
	if err != nil {
		b.Fatal(err)
	}
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, loc)
	for b.Loop() {
		at, _ = s.Next(at)
	}
}
