// Package joda is the part of Joda-Time's ISO chronology that the expression language shows: instants with a zone, their
// fields, arithmetic on them, and patterns.
//
// An instant is a count of milliseconds. Fields are computed on local milliseconds, which is the instant plus the
// offset of its zone; going back is where the rules about gaps and overlaps live, in zone.go. Calendar arithmetic is done
// here, over years -292275054 to 292278993; package time is asked for nothing but offsets.
package joda

// Error says why a text or a field value makes no date.
type Error string

func (e Error) Error() string { return string(e) }
