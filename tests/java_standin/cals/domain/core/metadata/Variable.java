package ROOT.domain.core.metadata;

public interface Variable {
    String getVariableName();

    String getDescription();

    String getUnit();

}
