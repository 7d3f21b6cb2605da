package config

import "slices"

// pairs reads an object whose names and values are the user's own texts. known is
// the form in which a name is kept, and sorted; names that differ have forms that
// differ.
func (f field) pairs(value check, known func(name string) (form, problem string)) []Pair {
	texts := map[string]string{}
	var names []string
	f.object(func(o *object) {
		o.all(func(name string, member field) {
			form, problem := known(name)
			if problem != "" {
				member.fail("the name " + problem)
				return
			}
			texts[form] = member.text("", value)
			names = append(names, form)
		})
	})
	slices.Sort(names)
	var pairs []Pair
	for _, name := range names {
		pairs = append(pairs, Pair{name, texts[name]})
	}
	return pairs
}
