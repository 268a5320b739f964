package sel

import "maestro/sel/internal/joda"

// methodID names a method; the kind of the receiver decides what it does, if anything.
type methodID uint8

const (
	mUnknown methodID = iota
	mAsList
	mCompareTo
	mContains
	mContainsKey
	mCurrentTimeMillis
	mDateIntHourToTs
	mDateIntToTs
	mDateIntsBetween
	mDaysBetween
	mEndsWith
	mEquals
	mEscape
	mForID
	mForPattern
	mFormat
	mGet
	mGetAsText
	mGetDays
	mGetMillis
	mGetOffset
	mGetOrDefault
	mIncrementDateInt
	mIntValue
	mIntsBetween
	mIsAfter
	mIsBefore
	mIsEmpty
	mIsEqual
	mJoin
	mLastIndexOf
	mLength
	mLongValue
	mMax
	mMin
	mParse
	mParseDateTime
	mParseDouble
	mParseLong
	mParseMillis
	mPow
	mPrint
	mPut
	mRandom
	mRandomUUID
	mReplace
	mReplaceAll
	mSize
	mSplit
	mStartsWith
	mSubstring
	mTimeoutForDateIntDeadline
	mTimeoutForDateTimeDeadline
	mToDateTime
	mToJSON
	mToLowerCase
	mToString
	mToUpperCase
	mTrim
	mTsToDateInt
	mValueOf
	mWithMaximumValue
	mWithMinimumValue
	mWithTimeAtStartOfDay
	mWithZone

	// These four stand for one method for each field or unit.
	mDateGet
	mDateProperty
	mDateWith
	mDatePlus
)

// method is what the compiler makes of a name after a dot.
type method struct {
	id    methodID
	keeps bool       // arguments are passed as cells because the method may keep or return one
	field joda.Field // of mDateGet, mDateProperty, mDateWith
	unit  joda.Unit  // of mDatePlus
	sign  int64      // of mDatePlus
}

// methods are all names that mean something on some kind. Anything else can only be a function of the host.
var methods = map[string]method{
	"asList":                     {id: mAsList, keeps: true},
	"compareTo":                  {id: mCompareTo},
	"contains":                   {id: mContains},
	"containsKey":                {id: mContainsKey},
	"currentTimeMillis":          {id: mCurrentTimeMillis},
	"dateIntHourToTs":            {id: mDateIntHourToTs},
	"dateIntToTs":                {id: mDateIntToTs},
	"dateIntsBetween":            {id: mDateIntsBetween},
	"daysBetween":                {id: mDaysBetween},
	"endsWith":                   {id: mEndsWith},
	"equals":                     {id: mEquals},
	"escape":                     {id: mEscape},
	"forID":                      {id: mForID},
	"forPattern":                 {id: mForPattern},
	"format":                     {id: mFormat},
	"get":                        {id: mGet},
	"getAsText":                  {id: mGetAsText},
	"getDays":                    {id: mGetDays},
	"getMillis":                  {id: mGetMillis},
	"getOffset":                  {id: mGetOffset},
	"getOrDefault":               {id: mGetOrDefault, keeps: true},
	"incrementDateInt":           {id: mIncrementDateInt},
	"intValue":                   {id: mIntValue},
	"intsBetween":                {id: mIntsBetween},
	"isAfter":                    {id: mIsAfter},
	"isBefore":                   {id: mIsBefore},
	"isEmpty":                    {id: mIsEmpty},
	"isEqual":                    {id: mIsEqual},
	"join":                       {id: mJoin},
	"lastIndexOf":                {id: mLastIndexOf},
	"length":                     {id: mLength},
	"longValue":                  {id: mLongValue},
	"max":                        {id: mMax},
	"min":                        {id: mMin},
	"parse":                      {id: mParse},
	"parseDateTime":              {id: mParseDateTime},
	"parseDouble":                {id: mParseDouble},
	"parseLong":                  {id: mParseLong},
	"parseMillis":                {id: mParseMillis},
	"pow":                        {id: mPow},
	"print":                      {id: mPrint},
	"put":                        {id: mPut, keeps: true},
	"random":                     {id: mRandom},
	"randomUUID":                 {id: mRandomUUID},
	"replace":                    {id: mReplace},
	"replaceAll":                 {id: mReplaceAll},
	"size":                       {id: mSize},
	"split":                      {id: mSplit},
	"startsWith":                 {id: mStartsWith},
	"substring":                  {id: mSubstring},
	"timeoutForDateIntDeadline":  {id: mTimeoutForDateIntDeadline},
	"timeoutForDateTimeDeadline": {id: mTimeoutForDateTimeDeadline},
	"toDateTime":                 {id: mToDateTime},
	"toJson":                     {id: mToJSON},
	"toLowerCase":                {id: mToLowerCase},
	"toString":                   {id: mToString},
	"toUpperCase":                {id: mToUpperCase},
	"trim":                       {id: mTrim},
	"tsToDateInt":                {id: mTsToDateInt},
	"valueOf":                    {id: mValueOf},
	"withMaximumValue":           {id: mWithMaximumValue},
	"withMinimumValue":           {id: mWithMinimumValue},
	"withTimeAtStartOfDay":       {id: mWithTimeAtStartOfDay},
	"withZone":                   {id: mWithZone},

	"plusYears":    {id: mDatePlus, unit: joda.Years, sign: 1},
	"plusMonths":   {id: mDatePlus, unit: joda.Months, sign: 1},
	"plusWeeks":    {id: mDatePlus, unit: joda.Weeks, sign: 1},
	"plusDays":     {id: mDatePlus, unit: joda.Days, sign: 1},
	"plusHours":    {id: mDatePlus, unit: joda.Hours, sign: 1},
	"plusMinutes":  {id: mDatePlus, unit: joda.Minutes, sign: 1},
	"plusSeconds":  {id: mDatePlus, unit: joda.Seconds, sign: 1},
	"plusMillis":   {id: mDatePlus, unit: joda.Millis, sign: 1},
	"minusYears":   {id: mDatePlus, unit: joda.Years, sign: -1},
	"minusMonths":  {id: mDatePlus, unit: joda.Months, sign: -1},
	"minusWeeks":   {id: mDatePlus, unit: joda.Weeks, sign: -1},
	"minusDays":    {id: mDatePlus, unit: joda.Days, sign: -1},
	"minusHours":   {id: mDatePlus, unit: joda.Hours, sign: -1},
	"minusMinutes": {id: mDatePlus, unit: joda.Minutes, sign: -1},
	"minusSeconds": {id: mDatePlus, unit: joda.Seconds, sign: -1},
	"minusMillis":  {id: mDatePlus, unit: joda.Millis, sign: -1},

	"getYear":           {id: mDateGet, field: joda.Year},
	"getWeekyear":       {id: mDateGet, field: joda.Weekyear},
	"getWeekOfWeekyear": {id: mDateGet, field: joda.WeekOfWeekyear},
	"getMonthOfYear":    {id: mDateGet, field: joda.MonthOfYear},
	"getDayOfYear":      {id: mDateGet, field: joda.DayOfYear},
	"getDayOfMonth":     {id: mDateGet, field: joda.DayOfMonth},
	"getDayOfWeek":      {id: mDateGet, field: joda.DayOfWeek},
	"getHourOfDay":      {id: mDateGet, field: joda.HourOfDay},
	"getMinuteOfDay":    {id: mDateGet, field: joda.MinuteOfDay},
	"getMinuteOfHour":   {id: mDateGet, field: joda.MinuteOfHour},
	"getSecondOfDay":    {id: mDateGet, field: joda.SecondOfDay},
	"getSecondOfMinute": {id: mDateGet, field: joda.SecondOfMinute},
	"getMillisOfDay":    {id: mDateGet, field: joda.MillisOfDay},
	"getMillisOfSecond": {id: mDateGet, field: joda.MillisOfSecond},

	"weekyear":       {id: mDateProperty, field: joda.Weekyear},
	"weekOfWeekyear": {id: mDateProperty, field: joda.WeekOfWeekyear},
	"monthOfYear":    {id: mDateProperty, field: joda.MonthOfYear},
	"dayOfYear":      {id: mDateProperty, field: joda.DayOfYear},
	"dayOfMonth":     {id: mDateProperty, field: joda.DayOfMonth},
	"dayOfWeek":      {id: mDateProperty, field: joda.DayOfWeek},
	"hourOfDay":      {id: mDateProperty, field: joda.HourOfDay},
	"minuteOfDay":    {id: mDateProperty, field: joda.MinuteOfDay},
	"minuteOfHour":   {id: mDateProperty, field: joda.MinuteOfHour},
	"secondOfDay":    {id: mDateProperty, field: joda.SecondOfDay},
	"secondOfMinute": {id: mDateProperty, field: joda.SecondOfMinute},
	"millisOfDay":    {id: mDateProperty, field: joda.MillisOfDay},
	"millisOfSecond": {id: mDateProperty, field: joda.MillisOfSecond},

	"withYear":           {id: mDateWith, field: joda.Year},
	"withWeekyear":       {id: mDateWith, field: joda.Weekyear},
	"withMonthOfYear":    {id: mDateWith, field: joda.MonthOfYear},
	"withWeekOfWeekyear": {id: mDateWith, field: joda.WeekOfWeekyear},
	"withDayOfYear":      {id: mDateWith, field: joda.DayOfYear},
	"withDayOfMonth":     {id: mDateWith, field: joda.DayOfMonth},
	"withDayOfWeek":      {id: mDateWith, field: joda.DayOfWeek},
	"withHourOfDay":      {id: mDateWith, field: joda.HourOfDay},
	"withMinuteOfHour":   {id: mDateWith, field: joda.MinuteOfHour},
	"withSecondOfMinute": {id: mDateWith, field: joda.SecondOfMinute},
	"withMillisOfSecond": {id: mDateWith, field: joda.MillisOfSecond},
	"withMillisOfDay":    {id: mDateWith, field: joda.MillisOfDay},
}
