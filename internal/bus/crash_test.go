package bus

const childEnv = "PARLEY_BUS_CHILD"

func child() int { return 0 }
