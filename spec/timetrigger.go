package spec

import (
	"strings"

	"maestro/internal/doc"
)

// TimeTrigger starts runs by the clock (§6.1). Which members it has depends on its type.
type TimeTrigger struct {
	Type       TriggerType
	Cron       Opt[string] // CRON
	Expression string      // PREDEFINED: @hourly, @daily, @weekly, @monthly, @yearly
	Interval   Opt[string] // INTERVAL
	Start      Opt[string] // INTERVAL
	Timezone   Opt[string] // empty: UTC

	// FuzzyMaxDelay spreads the fires: each is delayed by up to this much, always the same for one trigger.
	FuzzyMaxDelay ParsableLong
}

var predefined = &enum{what: "predefined schedule", words: []string{"@hourly", "@daily", "@weekly", "@monthly", "@yearly"}}

var predefinedCrons = map[string]string{"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *"}

// CronText returns the cron text of the trigger: its own, or that of its predefined schedule.
func (t *TimeTrigger) CronText() string {
	if t.Type == PredefinedTrigger {
		return predefinedCrons[t.Expression]
	}
	return t.Cron.Value
}

// AppendJSON appends the trigger.
func (t *TimeTrigger) AppendJSON(dst []byte) []byte {
	return timeTriggers.form(string(t.Type)).put(dst, t)
}

var timeTriggers = &variants[TimeTrigger]{
	name: "timeTrigger", about: "Starts runs by the clock.", types: triggerTypes,
	set: func(t *TimeTrigger, typ string) { t.Type = TriggerType(typ) },
	forms: []*object[TimeTrigger]{
		{
			name: "cronTrigger", about: "A cron text: five Unix fields, or six or seven Quartz fields.",
			fields: []field[TimeTrigger]{
				textField("cron", "minute hour day month weekday; or second minute hour day month weekday [year] with ?, L, W and #.", func(t *TimeTrigger) *Opt[string] { return &t.Cron }).required(),
				fuzzyField, timezoneField, typeField[TimeTrigger]("CRON"),
			},
		},
		{
			name: "predefinedTrigger", about: "A schedule by name.",
			fields: []field[TimeTrigger]{predefinedField, fuzzyField, timezoneField, typeField[TimeTrigger]("PREDEFINED")},
		},
		{
			name: "intervalTrigger", about: "Known to the format only; a push refuses it.",
			fields: []field[TimeTrigger]{
				fuzzyField,
				textField("interval", "Time between two fires.", func(t *TimeTrigger) *Opt[string] { return &t.Interval }),
				textField("start", "First fire.", func(t *TimeTrigger) *Opt[string] { return &t.Start }),
				typeField[TimeTrigger]("INTERVAL"),
			},
		},
	},
}

var (
	fuzzyField = parsableField("fuzzy_max_delay", "Delays each fire by up to this much: seconds, or a text such as \"5min\". Always the same delay for one trigger.",
		func(t *TimeTrigger) *ParsableLong { return &t.FuzzyMaxDelay })
	timezoneField = textField("timezone", "Time zone, such as Europe/Paris; default UTC.",
		func(t *TimeTrigger) *Opt[string] { return &t.Timezone })
	predefinedField = field[TimeTrigger]{
		name: "expression", about: "@hourly, @daily, @weekly, @monthly or @yearly.", need: true,
		shape: (&enum{words: append(predefined.words, "hourly", "daily", "weekly", "monthly", "yearly")}).shape(),
		read: func(d *decoder, n *doc.Node, t *TimeTrigger) {
			if n.Kind == doc.String && !strings.HasPrefix(n.Text, "@") {
				n = &doc.Node{Kind: n.Kind, Pos: n.Pos, Text: "@" + n.Text}
			}
			t.Expression, _ = d.word(n, predefined)
		},
		put: func(dst []byte, name string, t *TimeTrigger) []byte {
			if t.Expression == "" {
				return dst
			}
			return doc.AppendText(dst, name, t.Expression)
		},
	}
)
