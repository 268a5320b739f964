package param

import "strings"

// Type is the declared type of a param (params 2). The zero Type stands for "no value".
type Type uint8

// The types of params, in the order of their wire names' importance to people.
const (
	None         Type = iota // absent, or null inside an untyped result
	String                   // text; literals are interpolated
	Long                     // 64-bit integer
	Double                   // float64; literals keep their decimal text
	Boolean                  // true or false
	StringMap                // ordered name to text; literals are interpolated, names too
	StringArray              // texts; literals are interpolated
	LongArray                // integers
	DoubleArray              // doubles; literals keep their decimal texts
	BooleanArray             // booleans
	Map                      // name to nested definition; evaluates to name to untyped value
)

var typeNames = [...]string{
	None: "", String: "STRING", Long: "LONG", Double: "DOUBLE", Boolean: "BOOLEAN", StringMap: "STRING_MAP",
	StringArray: "STRING_ARRAY", LongArray: "LONG_ARRAY", DoubleArray: "DOUBLE_ARRAY", BooleanArray: "BOOLEAN_ARRAY", Map: "MAP",
}

// knownTypeIDs is how messages list the types: the reference's spelling and order.
const knownTypeIDs = "boolean, boolean_array, double, double_array, long, long_array, map, string, string_array, string_map"

// String returns the wire name, upper-case.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "?"
}

// IsArray reports whether t is one of the four array types.
func (t Type) IsArray() bool { return t >= StringArray && t <= BooleanArray }

// IsScalar reports whether t is one of the four scalar types.
func (t Type) IsScalar() bool { return t >= String && t <= Boolean }

// ParseType reads a wire name in any letter case (definition 1).
func ParseType(s string) (Type, bool) {
	i, ok := parseName(typeNames[:], s)
	return Type(i), ok
}

// Mode says who may change a param after it was first defined (params 4). Modes are ordered: a greater Mode is
// stricter, so that "not less strict" is a comparison.
type Mode uint8

// The modes, least strict first.
const (
	NoMode                Mode = iota // not given; merging makes it Mutable
	Mutable                           // by start, restart and output
	MutableOnStartRestart             // by start and restart
	MutableOnStart                    // by start only
	Immutable                         // by nobody; evaluated again from its definition on restart
	Constant                          // by nobody; keeps its value on restart
)

var modeNames = [...]string{
	NoMode: "", Mutable: "MUTABLE", MutableOnStartRestart: "MUTABLE_ON_START_RESTART", MutableOnStart: "MUTABLE_ON_START",
	Immutable: "IMMUTABLE", Constant: "CONSTANT",
}

// String returns the wire name, or "" for NoMode.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "?"
}

// ParseMode reads a wire name in any letter case.
func ParseMode(s string) (Mode, bool) {
	i, ok := parseName(modeNames[:], s)
	return Mode(i), ok
}

// InternalMode tells how the system treats a default or template param (params 4). Cleanup removes it from instances.
type InternalMode uint8

// The internal modes.
const (
	NoInternalMode InternalMode = iota // an ordinary param: required at cleanup
	Required                           // must end with a value or an expression
	Optional                           // dropped when it ends without one
	Provided                           // has a default
	Reserved                           // the system's own: implies mode Constant, no user may change it
)

var internalModeNames = [...]string{
	NoInternalMode: "", Required: "REQUIRED", Optional: "OPTIONAL", Provided: "PROVIDED", Reserved: "RESERVED",
}

// String returns the wire name, or "" for NoInternalMode.
func (m InternalMode) String() string {
	if int(m) < len(internalModeNames) {
		return internalModeNames[m]
	}
	return "?"
}

// ParseInternalMode reads a wire name in any letter case.
func ParseInternalMode(s string) (InternalMode, bool) {
	i, ok := parseName(internalModeNames[:], s)
	return InternalMode(i), ok
}

// implied is the least strict mode that goes with m.
func (m InternalMode) implied() Mode {
	switch m {
	case NoInternalMode:
		return NoMode
	case Reserved:
		return Constant
	default:
		return Mutable
	}
}

// Source says which stage of merging a param got its present content from (params 5).
type Source uint8

// The sources.
const (
	NoSource             Source = iota
	SourceSystem                // re-merging the params of a previous run
	SourceSystemDefault         // default params
	SourceTemplateSchema        // job template
	SourceSystemInjected        // extension hook
	SourceDefinition            // workflow or step definition
	SourceLaunch                // run params of a start
	SourceRestart               // run or restart params of a restart
	SourceSubworkflow           // run params made by a subworkflow step
	SourceForeach               // run params made by a foreach step
	SourceWhile                 // run params made by a while step
	SourceTemplate              // run params made by a template step
	SourceWorkflowParam         // workflow param merged into a template param
	SourceOutput                // output data of a step
	SourceSignal                // declared on the wire, never assigned
	SourceTimeTrigger           // declared on the wire, never assigned
)

var sourceNames = [...]string{
	NoSource: "", SourceSystem: "SYSTEM", SourceSystemDefault: "SYSTEM_DEFAULT", SourceTemplateSchema: "TEMPLATE_SCHEMA",
	SourceSystemInjected: "SYSTEM_INJECTED", SourceDefinition: "DEFINITION", SourceLaunch: "LAUNCH", SourceRestart: "RESTART",
	SourceSubworkflow: "SUBWORKFLOW", SourceForeach: "FOREACH", SourceWhile: "WHILE", SourceTemplate: "TEMPLATE",
	SourceWorkflowParam: "WORKFLOW_PARAMETER", SourceOutput: "OUTPUT_PARAMETER", SourceSignal: "SIGNAL", SourceTimeTrigger: "TIME_TRIGGER",
}

// String returns the wire name, or "" for NoSource.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return "?"
}

// System reports whether s is a stage of the system, whose merges need no permission (params 5, 6.6).
func (s Source) System() bool { return s >= SourceSystem && s <= SourceSystemInjected }

// ParseSource reads a wire name in any letter case.
func ParseSource(s string) (Source, bool) {
	i, ok := parseName(sourceNames[:], s)
	return Source(i), ok
}

// parseName finds s among names[1:] without regard to letter case.
func parseName(names []string, s string) (int, bool) {
	for i := 1; i < len(names); i++ {
		if strings.EqualFold(names[i], s) {
			return i, true
		}
	}
	return 0, false
}
