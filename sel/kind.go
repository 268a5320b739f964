package sel

// Kind is the type of a value. The names appear in messages and in recorded results.
type Kind uint8

// The kinds a parameter can hold come first, then those that live only inside a script.
const (
	KindNull Kind = iota // the value of an unknown name, and of null
	KindString
	KindLong
	KindDouble
	KindBoolean
	KindStringArray
	KindLongArray
	KindDoubleArray
	KindBooleanArray
	KindMap

	KindVoid  // a script that ended without a value
	KindError // the text of a throw
	KindDateTime
	KindZone
	KindFormatter
	KindProperty // one field of one DateTime
	KindDays
	KindUUID
	KindMath
	KindParams // the object params
	KindUtil   // the object Util
	KindMisc   // the one object behind System, Arrays and DateTimeConstants
)

var kindNames = [...]string{
	KindNull:         "NULL",
	KindString:       "STRING",
	KindLong:         "LONG",
	KindDouble:       "DOUBLE",
	KindBoolean:      "BOOLEAN",
	KindStringArray:  "STRING_ARRAY",
	KindLongArray:    "LONG_ARRAY",
	KindDoubleArray:  "DOUBLE_ARRAY",
	KindBooleanArray: "BOOLEAN_ARRAY",
	KindMap:          "MAP",
	KindVoid:         "VOID",
	KindError:        "ERROR",
	KindDateTime:     "DATETIME",
	KindZone:         "DATETIME_ZONE",
	KindFormatter:    "DATETIME_FORMATTER",
	KindProperty:     "DATETIME_PROPERTY",
	KindDays:         "DATETIME_DAYS",
	KindUUID:         "UUID",
	KindMath:         "MATH",
	KindParams:       "PRESET_PARAMS",
	KindUtil:         "PRESET_UTIL_FUNCTION",
	KindMisc:         "PRESET_MISC_FUNC_FIELDS",
}

func (k Kind) String() string { return kindNames[k] }

// IsArray reports whether k is one of the four array kinds.
func (k Kind) IsArray() bool { return k >= KindStringArray && k <= KindBooleanArray }

// elem is the kind of the elements of array kind k; array is its inverse for the four kinds that have arrays.
func (k Kind) elem() Kind { return k - KindStringArray + KindString }

func (k Kind) array() (Kind, bool) {
	if k >= KindString && k <= KindBoolean {
		return k - KindString + KindStringArray, true
	}
	return KindNull, false
}

// typeNames are the names that may stand for a type in a declaration or after new.
var typeNames = map[string]Kind{
	"boolean":           KindBoolean,
	"int":               KindLong,
	"long":              KindLong,
	"float":             KindDouble,
	"double":            KindDouble,
	"Boolean":           KindBoolean,
	"Integer":           KindLong,
	"Long":              KindLong,
	"Float":             KindDouble,
	"Double":            KindDouble,
	"String":            KindString,
	"Map":               KindMap,
	"HashMap":           KindMap,
	"LinkedHashMap":     KindMap,
	"DateTime":          KindDateTime,
	"DateTimeZone":      KindZone,
	"DateTimeFormatter": KindFormatter,
	"DateTimeFormat":    KindFormatter,
	"Property":          KindProperty,
	"Days":              KindDays,
	"UUID":              KindUUID,
}

// objectNames are bound when a script starts, beside the class names of typeNames.
var objectNames = map[string]Kind{
	"Math":              KindMath,
	"Util":              KindUtil,
	"System":            KindMisc,
	"Arrays":            KindMisc,
	"DateTimeConstants": KindMisc,
	"params":            KindParams,
}

// staticObject returns the object bound to a name at the start: a class name stands for the null-valued, zero or empty
// value of its kind, on which the static methods are called.
func staticObject(name string) (Value, bool) {
	if k, ok := objectNames[name]; ok {
		return Value{kind: k}, true
	}
	if k, ok := typeNames[name]; ok && !primitive(name) {
		return initial(k), true
	}
	return Value{}, false
}

// primitive reports whether a type name is a keyword, and so never an identifier.
func primitive(name string) bool {
	switch name {
	case "boolean", "int", "long", "float", "double":
		return true
	}
	return false
}
