package ROOT.domain.core.metadata;

import java.util.Collection;
import java.util.Iterator;
import java.util.Set;
import java.util.TreeMap;
import standin.World;

public final class VariableSet implements Iterable<Variable> {
    private final TreeMap<String, Variable> variables = new TreeMap<>();

    /** For the services. */
    public void add(World.Logged logged) {
        variables.put(
            logged.name, new VariableImpl(logged.name, logged.unit, logged.description));
    }

    @Override
    public Iterator<Variable> iterator() {
        return variables.values().iterator();
    }

    public int size() {
        return variables.size();
    }

    public Collection<Variable> getVariables() {
        return variables.values();
    }

    public Set<String> getVariableNames() {
        return variables.keySet();
    }

    public Variable getVariable(String name) {
        return variables.get(name);
    }

    public Variable getVariable(int place) {
        return variables.values().toArray(new Variable[0])[place];
    }

    @Override
    public String toString() {
        return variables.keySet().toString();
    }
}
