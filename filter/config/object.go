package config

import (
	"slices"
	"strings"

	"holdfast/strictjson"
)

// object is a JSON object whose keys are being read.
type object struct {
	field
	members []strictjson.Member
	known   []string
}

// object reads the keys of an object, of an empty one when it is absent. Every
// key that read does not ask for is a problem.
func (f field) object(read func(o *object)) {
	if f.present() && !f.is(strictjson.Object) {
		return
	}
	members, _ := f.value.Members()
	o := &object{field: f, members: members}
	read(o)
	for _, name := range o.unknown() {
		field{f.r, join(f.path, name), f.value}.fail("unknown key" + suggestion(name, o.known))
	}
}

// get is the member of this name, and makes the name a known one.
func (o *object) get(name string) field {
	path := join(o.path, name)
	o.known = append(o.known, name)
	o.r.asked(path)
	for _, member := range o.members {
		if member.Name == name {
			return field{o.r, path, member.Value}
		}
	}
	return field{o.r, path, strictjson.Value{}}
}

// all reads every member, for objects whose keys are names of the user's own.
func (o *object) all(read func(name string, value field)) {
	for _, member := range o.members {
		o.known = append(o.known, member.Name)
		read(member.Name, field{o.r, join(o.path, member.Name), member.Value})
	}
}

// only is the one member of an object that has to have exactly one of names.
// Without it, the name is empty.
func (o *object) only(names ...string) (name string, value field) {
	found := 0
	for _, candidate := range names {
		if f := o.get(candidate); f.present() {
			name, value = candidate, f
			found++
		}
	}
	// An unknown key is the better message for a typing mistake.
	if found > 1 || found == 0 && len(o.unknown()) == 0 {
		o.fail("must have exactly one of " + strings.Join(names, ", "))
	}
	if found != 1 {
		return "", field{r: o.r}
	}
	return name, value
}

func (o *object) unknown() []string {
	var names []string
	for _, member := range o.members {
		if !slices.Contains(o.known, member.Name) {
			names = append(names, member.Name)
		}
	}
	return names
}
