# The judgment of ethics-rules and quota-tiers. Rules and tiers are data, already taken apart; see src/rego.rs.
package weft

import rego.v1

texts := [lower(text) | some text in array.concat([input.name], input.tags)]

words contains word if {
	some text in texts
	some word in split(replace(replace(text, "-", " "), "_", " "), " ")
}

violations contains rule.id if {
	some rule in data.watts
	not input.watts_known
}

violations contains rule.id if {
	some rule in data.watts
	input.watts_known
	input.watts > rule.most
}

violations contains rule.id if {
	some rule in data.never
	some part in rule.parts
	some text in texts
	contains(text, part)
}

violations contains rule.id if {
	some rule in data.only
	not input.name in rule.names
}

violations contains rule.id if {
	some rule in data.words
	some word in words
	word in rule.alone
}

violations contains rule.id if {
	some rule in data.words
	some word in words
	some beginning in rule.beginnings
	startswith(word, beginning)
}

tier := data.tiers[input.tier]

fits if {
	input.duration_ms <= tier.max_minutes * 60000
	input.memory_mb <= tier.max_memory_mb
}

verdict := "deny" if not fits

verdict := "wait" if {
	fits
	input.used >= tier.tasks_per_day
}

verdict := "admit" if {
	fits
	input.used < tier.tasks_per_day
}

answer := {"violations": violations, "verdict": verdict}
