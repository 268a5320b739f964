package joda

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestCalendar compares fields with those of package time on random instants.
func TestCalendar(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		ms := r.Int64N(400_000*365*day) - 200_000*365*day
		if r.IntN(2) == 0 {
			ms %= 300 * 365 * day
		}
		d := DateTime{ms, UTC}
		g := time.UnixMilli(ms).UTC()
		isoYear, isoWeek := g.ISOWeek()
		got := [...]int64{d.Get(Year), d.Get(MonthOfYear), d.Get(DayOfMonth), d.Get(DayOfYear), d.Get(DayOfWeek) % 7, d.Get(Weekyear), d.Get(WeekOfWeekyear), d.Get(HourOfDay), d.Get(MinuteOfHour), d.Get(SecondOfMinute), d.Get(MillisOfSecond)}
		want := [...]int64{int64(g.Year()), int64(g.Month()), int64(g.Day()), int64(g.YearDay()), int64(g.Weekday()), int64(isoYear), int64(isoWeek), int64(g.Hour()), int64(g.Minute()), int64(g.Second()), int64(g.Nanosecond() / 1e6)}
		if got != want {
			t.Fatalf("%d: got %v, want %v", ms, got, want)
		}
	}
}

// TestSetGet sets each field to its own value, which changes nothing, and to its bounds, which must then be what it has.
func TestSetGet(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 5_000 {
		local := r.Int64N(6000*365*day) - 3000*365*day
		for f := Era; f <= MillisOfSecond; f++ {
			if got, err := set(f, local, get(f, local)); err != nil || got != local {
				t.Fatalf("%v of %d set to itself: %d, %v", f, local, got, err)
			}
			lo, hi := bounds(f, local)
			if f <= Weekyear {
				continue // the first and the last year are not whole
			}
			for _, n := range []int64{lo, hi} {
				got, err := set(f, local, n)
				if err != nil || get(f, got) != n {
					t.Fatalf("%v of %d set to %d: %d, %v", f, local, n, get(f, got), err)
				}
			}
			if _, err := set(f, local, hi+1); err == nil {
				t.Fatalf("%v of %d set to %d: no error", f, local, hi+1)
			}
			if got := floor(f, local); got > local || f != Era && get(f, got) != get(f, local) {
				t.Fatalf("%v of %d rounds to %d", f, local, got)
			}
		}
	}
}

// TestZones compares offsets with those of package time, and checks the way back from local time, around every change
// of offset of many zones.
func TestZones(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "Asia/Tokyo", "America/Caracas"} {
		z, ok := ForID(id)
		if !ok {
			t.Fatalf("%s is missing", id)
		}
		loc, err := time.LoadLocation(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range z.spans {
			if s.end < -3e14 || s.end > 4e12 {
				continue
			}
			for _, off := range []int64{-3 * hour, -30 * minute, -1, 0, 1, 30 * minute, 3 * hour} {
				ms := s.end + off
				_, want := time.UnixMilli(ms).In(loc).Zone()
				if got := z.Offset(ms); got != int64(want)*second {
					t.Fatalf("%s at %d: got offset %d, want %d", id, ms, got, want)
				}
				found, n, _, _ := z.instants(ms + z.Offset(ms))
				if n == 0 || found[0] != ms && (n < 2 || found[1] != ms) {
					t.Fatalf("%s: local time of %d came back as %v", id, ms, found[:n])
				}
				if local := s.end + s.offset + off; off >= 0 {
					if _, n, next, _ := z.instants(local); n == 0 && next != s.end {
						t.Fatalf("%s: gap at %d is said to be at %d", id, s.end, next)
					}
				}
			}
		}
	}
}

func TestEveryZoneLoads(t *testing.T) {
	t.Parallel()
	for id := range canonicalIDs() {
		if _, ok := ForID(id); !ok {
			t.Errorf("%s does not load", id)
		}
	}
	for _, id := range []string{"", "Local", "utc", "../UTC", "/etc/localtime", "posix/UTC", "UTC ", "america/new_york", "+1", "+24:00", "Etc"} {
		if z, ok := ForID(id); ok {
			t.Errorf("%q is %s", id, z.ID())
		}
	}
}

// TestPrintedDatesParse prints random instants by patterns that say all, and reads them again.
func TestPrintedDatesParse(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for _, p := range []string{"yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "yyyyDDDHHmmssSSSZ", "xxxx-'W'ww-e hh a mm ss SSS Z", "EEEE, d MMMM yyyy K:mm:ss.SSS a ZZ", "YYYYMMdd kk mm ss SSS ZZ"} {
		f, err := Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			d := DateTime{r.Int64N(7000*365*day) + 1000*day - 1500*365*day, FixedZone((r.Int64N(95) - 47) * 15 * minute)}
			text := f.Print(d)
			if len(text) > f.Cost().Size {
				t.Fatalf("%q is longer than promised", text)
			}
			if got, err := f.Parse(text, d.Zone, nil); err != nil || got.Millis != d.Millis {
				t.Fatalf("%s: %s came back as %v, %v", p, text, got.Millis, err)
			}
			iso := d.String()
			if got, err := ParseISO(iso, UTC); err != nil || got.Millis != d.Millis {
				t.Fatalf("%s came back as %v, %v", iso, got, err)
			}
		}
	}
}

func FuzzFormatter(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "2019-01-02T03:04:05.006+01:00")
	f.Add("yy x C G M MMM w D d e E a H k K h m s S z Z ZZZ ''", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		c, err := Compile(pattern)
		if err != nil {
			return
		}
		now := func() (DateTime, error) { return DateTime{0, UTC}, nil }
		if out := c.Print(DateTime{-62135596800001, UTC}); len(out) > c.Cost().Size {
			t.Fatalf("%q is longer than %d", out, c.Cost().Size)
		}
		_, _ = c.Parse(text, UTC, now)
		_, _ = ParseISO(text, UTC)
		_, _ = ParsePeriod(text)
		_, _ = ForID(text)
	})
}

// TestLongestID holds what a parser reads of a text that might be an id: as much as the longest one has.
func TestLongestID(t *testing.T) {
	t.Parallel()
	for id := range canonicalIDs() {
		if len(id) > longestID {
			t.Errorf("id %s is longer than longestID", id)
		}
	}
}
