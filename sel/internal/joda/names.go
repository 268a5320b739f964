package joda

import "strings"

var monthNames = [...]string{
	"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
}

var weekdayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

var (
	halfdayNames = [...]string{"AM", "PM"}
	eraNames     = [...]string{"BC", "AD"}
	eraOther     = [...]string{"BCE", "CE"}
)

// nameAt finds the longest name of field f at pos of s, in any case and long or short, and gives its number. A
// negative end means none.
func nameAt(f Field, s string, pos int) (n int64, end int) {
	end = -1
	try := func(name string, value int) {
		if e := pos + len(name); e <= len(s) && e > end && strings.EqualFold(s[pos:e], name) {
			n, end = int64(value), e
		}
	}
	switch f {
	case MonthOfYear:
		for i, name := range monthNames {
			try(name, i+1)
			try(name[:3], i+1)
		}
	case DayOfWeek:
		for i, name := range weekdayNames {
			try(name, i+1)
			try(name[:3], i+1)
		}
	case HalfdayOfDay:
		for i, name := range halfdayNames {
			try(name, i)
		}
	case Era:
		for i := range eraNames {
			try(eraNames[i], i)
			try(eraOther[i], i)
		}
	}
	return n, end
}

// shortZones are the zone names that text can be parsed by; there is no standard for them.
var shortZones = [...]struct{ name, id string }{
	{"UTC", "UTC"}, {"UT", "UTC"}, {"GMT", "UTC"},
	{"EST", "America/New_York"}, {"EDT", "America/New_York"},
	{"CST", "America/Chicago"}, {"CDT", "America/Chicago"},
	{"MST", "America/Denver"}, {"MDT", "America/Denver"},
	{"PST", "America/Los_Angeles"}, {"PDT", "America/Los_Angeles"},
}

// longNames are the English names that the zone database does not have, by the abbreviation it does have. An
// abbreviation that means different things in different places is left out.
var longNames = map[string]string{
	"UTC":  "Coordinated Universal Time",
	"GMT":  "Greenwich Mean Time",
	"BST":  "British Summer Time",
	"WET":  "Western European Standard Time",
	"WEST": "Western European Summer Time",
	"CET":  "Central European Standard Time",
	"CEST": "Central European Summer Time",
	"EET":  "Eastern European Standard Time",
	"EEST": "Eastern European Summer Time",
	"MSK":  "Moscow Standard Time",
	"SAST": "South Africa Standard Time",
	"EST":  "Eastern Standard Time",
	"EDT":  "Eastern Daylight Time",
	"MST":  "Mountain Standard Time",
	"MDT":  "Mountain Daylight Time",
	"PST":  "Pacific Standard Time",
	"PDT":  "Pacific Daylight Time",
	"AKST": "Alaska Standard Time",
	"AKDT": "Alaska Daylight Time",
	"HST":  "Hawaii-Aleutian Standard Time",
	"JST":  "Japan Standard Time",
	"KST":  "Korean Standard Time",
	"HKT":  "Hong Kong Standard Time",
	"AEST": "Australian Eastern Standard Time",
	"AEDT": "Australian Eastern Daylight Time",
	"ACST": "Australian Central Standard Time",
	"ACDT": "Australian Central Daylight Time",
	"AWST": "Australian Western Standard Time",
	"NZST": "New Zealand Standard Time",
	"NZDT": "New Zealand Daylight Time",
}

// longNameIn are the long names of abbreviations that need the place.
var longNameIn = map[string]string{
	"America/Chicago CST": "Central Standard Time",
	"America/Chicago CDT": "Central Daylight Time",
	"Asia/Shanghai CST":   "China Standard Time",
	"Asia/Kolkata IST":    "India Standard Time",
	"Asia/Jerusalem IST":  "Israel Standard Time",
	"Asia/Jerusalem IDT":  "Israel Daylight Time",
	"Europe/Dublin IST":   "Irish Standard Time",
}
