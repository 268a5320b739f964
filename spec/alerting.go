package spec

import (
	"slices"

	"maestro/internal/doc"
)

// Alerting says whom to tell about what (§3.2). The engine passes it on and interpolates Emails and TCT.
type Alerting struct {
	Emails       []string
	Pagerduties  []string
	Slack        *Slack
	BypassDigest *BypassDigest
	TCT          *TCT
	Types        []AlertType // type_configs, in the order in which they were written
	Pagerduty    *PagerdutyConfig
}

// Slack is whom to tell in Slack.
type Slack struct {
	Users, Channels, MentionUsers []string
}

// BypassDigest says what is told at once rather than in a digest.
type BypassDigest struct {
	Workflow Opt[bool]
	Steps    []string
}

// AlertType overrides Alerting for one type of alert.
type AlertType struct {
	Type            string
	Emails          []string
	Pagerduties     []string
	Slack           *Slack
	Actions         []string
	Disabled        bool
	Granularity     string
	DurationMinutes Opt[int64]
}

// PagerdutyConfig says how to page.
type PagerdutyConfig struct {
	Severity   string
	AlwaysPage Opt[bool]
}

// TCT is the target completion time of a run: exactly one of the three times (§3.3).
type TCT struct {
	CompletedByHour Opt[int64]
	DurationMinutes Opt[int64]
	CompletedByTS   Opt[int64]
	TZ              Opt[string]
}

// AppendJSON appends the alerting.
func (a *Alerting) AppendJSON(dst []byte) []byte { return alertingObject.put(dst, a) }

var slackObject = &object[Slack]{
	name: "slack", about: "Whom to tell in Slack.",
	fields: []field[Slack]{
		setField("users", "Users to write to.", func(s *Slack) *[]string { return &s.Users }),
		setField("channels", "Channels to write to.", func(s *Slack) *[]string { return &s.Channels }),
		setField("mention_users", "Users to mention.", func(s *Slack) *[]string { return &s.MentionUsers }),
	},
}

var tctObject = &object[TCT]{
	name: "tct", about: "Target completion time: exactly one of completed_by_hour, duration_minutes and completed_by_ts.",
	fields: []field[TCT]{
		longField("completed_by_hour", "Hours after midnight of the target run date.", func(t *TCT) *Opt[int64] { return &t.CompletedByHour }),
		longField("duration_minutes", "Minutes after the start.", func(t *TCT) *Opt[int64] { return &t.DurationMinutes }),
		longField("completed_by_ts", "Milliseconds since 1970.", func(t *TCT) *Opt[int64] { return &t.CompletedByTS }),
		textField("tz", "Time zone of completed_by_hour; default: that of the trigger.", func(t *TCT) *Opt[string] { return &t.TZ }),
	},
}

var alertTypeObject = &object[AlertType]{
	name: "alertTypeConfig", about: "What differs for one type of alert.",
	fields: []field[AlertType]{
		setField("emails", "Addresses to write to.", func(a *AlertType) *[]string { return &a.Emails }),
		setField("pagerduties", "Services to page.", func(a *AlertType) *[]string { return &a.Pagerduties }),
		objectField("slack", "Whom to tell in Slack.", slackObject, func(a *AlertType) **Slack { return &a.Slack }),
		actionsField,
		{
			name: "disabled", about: "Tell nobody.", shape: shapeBool,
			read: func(d *decoder, n *doc.Node, a *AlertType) { a.Disabled, _ = d.boolean(n) },
			put:  func(dst []byte, name string, a *AlertType) []byte { return doc.AppendBool(dst, name, a.Disabled) },
		},
		enumField("granularity", "Tell about workflows, steps, or both.", granularity, func(a *AlertType) *string { return &a.Granularity }),
		longField("duration_minutes", "How long is long.", func(a *AlertType) *Opt[int64] { return &a.DurationMinutes }),
	},
}

var actionsField = field[AlertType]{
	name: "actions", about: "What to do.", shape: `{"type":["array","null"],"items":` + actions.shape() + `}`,
	read: func(d *decoder, n *doc.Node, a *AlertType) {
		if !d.want(n, doc.List) {
			return
		}
		a.Actions = []string{}
		for i, item := range n.Items {
			d.index(i)
			if w, ok := d.word(item, actions); ok && !slices.Contains(a.Actions, w) {
				a.Actions = append(a.Actions, w)
			}
			d.up()
		}
	},
	put: func(dst []byte, name string, a *AlertType) []byte {
		if a.Actions == nil {
			return dst
		}
		return doc.AppendTexts(doc.AppendKey(dst, name), a.Actions)
	},
}

var alertingObject = &object[Alerting]{
	name: "alerting", about: "Whom to tell about what.",
	fields: []field[Alerting]{
		setField("emails", "Addresses to write to; ${references} to workflow params are replaced.", func(a *Alerting) *[]string { return &a.Emails }),
		setField("pagerduties", "Services to page.", func(a *Alerting) *[]string { return &a.Pagerduties }),
		objectField("slack", "Whom to tell in Slack.", slackObject, func(a *Alerting) **Slack { return &a.Slack }),
		objectField("bypass_digest_config", "What is told at once rather than in a digest.", bypassObject, func(a *Alerting) **BypassDigest { return &a.BypassDigest }),
		objectField("tct", "Target completion time.", tctObject, func(a *Alerting) **TCT { return &a.TCT }),
		alertTypesField,
		objectField("pagerduty_config", "How to page.", pagerdutyObject, func(a *Alerting) **PagerdutyConfig { return &a.Pagerduty }),
	},
}

var bypassObject = &object[BypassDigest]{
	name: "bypassDigest", about: "What is told at once rather than in a digest.",
	fields: []field[BypassDigest]{
		boolField("workflow", "The workflow itself.", func(b *BypassDigest) *Opt[bool] { return &b.Workflow }),
		setField("steps", "These steps.", func(b *BypassDigest) *[]string { return &b.Steps }),
	},
}

var pagerdutyObject = &object[PagerdutyConfig]{
	name: "pagerdutyConfig", about: "How to page.",
	fields: []field[PagerdutyConfig]{
		enumField("severity", "Severity of the page.", severities, func(p *PagerdutyConfig) *string { return &p.Severity }),
		boolField("always_page", "Page every time.", func(p *PagerdutyConfig) *Opt[bool] { return &p.AlwaysPage }),
	},
}

var alertTypesField = func() field[Alerting] {
	f := mapField("type_configs", "What differs by type of alert.", `{"type":["object","null"],"propertyNames":{"enum":`+alertTypes.list()+`},"additionalProperties":{"$ref":"#/$defs/alertTypeConfig"}}`,
		func(a *Alerting) *[]AlertType { return &a.Types },
		func(t *AlertType) *string { return &t.Type },
		func(d *decoder, n *doc.Node, t *AlertType) {
			if _, ok := alertTypes.parse(t.Type); !ok {
				d.errorf(n, "unknown alert type `%s`%s; known are %s", clip(t.Type), doc.Suggest(t.Type, alertTypes.words), join(alertTypes.words))
			}
			alertTypeObject.read(d, n, t)
		},
		func(dst []byte, t *AlertType) []byte { return alertTypeObject.put(dst, t) })
	put := f.put
	f.put = func(dst []byte, name string, a *Alerting) []byte {
		if a.Types != nil && len(a.Types) == 0 {
			return append(doc.AppendKey(dst, name), "{}"...) // a written empty map is kept here
		}
		return put(dst, name, a)
	}
	return f
}()
