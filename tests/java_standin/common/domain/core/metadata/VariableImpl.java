package ROOT.domain.core.metadata;

/** A variable as the service knows it. */
final class VariableImpl implements Variable {
    private final String name;
    private final String unit;
    private final String description;

    VariableImpl(String name, String unit, String description) {
        this.name = name;
        this.unit = unit;
        this.description = description;
    }

    @Override
    public String getVariableName() {
        return name;
    }

    @Override
    public String getDescription() {
        return description;
    }

    @Override
    public String getUnit() {
        return unit;
    }

    public String getSystem() {
        return "CMW";
    }

    @Override
    public String toString() {
        return name;
    }
}
